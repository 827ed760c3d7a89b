// What the tests about damage share: a segment with everything in it, and an oracle that knows Kafka's batch layout by itself, so that a bug
// in our readers cannot hide itself. Not part of the room's face.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { batchesIn, crc32c } from '@ottla/records';
import { FACTS } from './testing.ts';

/** Default seed of the tests about damage: OTTLA_SEED or a fixed one. */
export const SEED = Number(process.env.OTTLA_SEED ?? 20_250_101);

export interface Layout {
  readonly position: number;
  readonly sizeInBytes: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** The record sets of real Kafka one behind the other, offsets ascending: formats 0, 1, 2, every codec, transactions, markers. */
export function goldenSegment(): Buffer {
  const lines = readFileSync(join(FACTS, 'vectors/record-batches.jsonl'), 'utf8').trim().split('\n');
  const parts: Buffer[] = [];
  let nextOffset = 0;
  for (const line of lines) {
    const { hex }: { hex: string } = JSON.parse(line);
    for (const batch of batchesIn(Buffer.from(hex, 'hex'))) {
      const bytes = Buffer.from(batch.bytes());
      // Neither is covered by a checksum. A wrapper of format 1 holds relative offsets, of which there may be ten.
      const isDefault = batch.magic === 2;
      const lastOffset = isDefault ? nextOffset + bytes.readInt32BE(23) : nextOffset + 10;
      bytes.writeBigInt64BE(BigInt(isDefault ? nextOffset : lastOffset), 0);
      parts.push(bytes);
      nextOffset = lastOffset + 1;
    }
  }
  return Buffer.concat(parts);
}

/** Whole batches from the start of `bytes`, in order, with their checksums; the first other byte ends it. */
export function validBatches(bytes: Buffer, baseOffset = 0): Layout[] {
  const found: Layout[] = [];
  let position = 0;
  let nextOffset = baseOffset;
  while (position + 17 <= bytes.length) {
    const batch = validBatch(bytes, position);
    if (batch === undefined || batch.firstOffset < nextOffset || batch.lastOffset < batch.firstOffset) break;
    if (batch.lastOffset - baseOffset > 0x7fffffff) break;
    found.push(batch);
    nextOffset = batch.lastOffset + 1;
    position += batch.sizeInBytes;
  }
  return found;
}

export function validPrefix(bytes: Buffer): number {
  const last = validBatches(bytes).at(-1);
  return last === undefined ? 0 : last.position + last.sizeInBytes;
}

function validBatch(bytes: Buffer, position: number): Layout | undefined {
  const offset = Number(bytes.readBigInt64BE(position));
  const sizeInBytes = 12 + bytes.readInt32BE(position + 8);
  const magic = bytes.readInt8(position + 16);
  const end = position + sizeInBytes;
  if (end > bytes.length || magic < 0 || magic > 2 || sizeInBytes < (magic === 2 ? 61 : 26)) return undefined;
  const crcPosition = position + (magic === 2 ? 17 : 12);
  const covered = bytes.subarray(position + (magic === 2 ? 21 : 16), end);
  const computed = magic === 2 ? crc32c(covered) : crc32(covered);
  if (bytes.readUInt32BE(crcPosition) !== computed) return undefined;
  const lastOffset = magic === 2 ? offset + bytes.readInt32BE(position + 23) : offset;
  return { position, sizeInBytes, firstOffset: offset, lastOffset };
}
