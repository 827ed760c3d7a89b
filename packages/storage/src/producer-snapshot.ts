// `<offset>.snapshot`: what is known of every producer up to that offset, so that a start need not read the log.
//
//   | version int16 = 1 | crc uint32 of all that follows | count int32 | entries |
//   entry: | producerId int64 | producerEpoch int16 | lastSequence int32 | lastOffset int64 | offsetDelta int32 |
//          | timestamp int64 | coordinatorEpoch int32 | currentTxnFirstOffset int64, −1: none |     46 bytes
//
// Source: Kafka's ProducerStateManager.{readSnapshot,writeSnapshot} (3.9).

import type { FileSystem } from '@ottla/base';
import { crc32c } from '@ottla/records';
import { ProducerStateEntry } from './producer-state-entry.ts';

const SNAPSHOT_VERSION = 1;
const CRC_POSITION = 2;
const COUNT_POSITION = 6;
const ENTRIES_POSITION = 10;
const ENTRY_SIZE = 46;

/** A snapshot is not what its format says: an older one, or the log itself, must be used. */
export class CorruptSnapshotError extends Error {
  override readonly name = 'CorruptSnapshotError';
}

export function encodeProducerSnapshot(entries: Iterable<ProducerStateEntry>): Buffer {
  const all = [...entries];
  const bytes = Buffer.alloc(ENTRIES_POSITION + all.length * ENTRY_SIZE);
  bytes.writeInt16BE(SNAPSHOT_VERSION, 0);
  bytes.writeInt32BE(all.length, COUNT_POSITION);
  all.forEach((entry, index) => {
    writeEntry(bytes, ENTRIES_POSITION + index * ENTRY_SIZE, entry);
  });
  bytes.writeUInt32BE(crc32c(bytes, COUNT_POSITION), CRC_POSITION);
  return bytes;
}

/** @throws CorruptSnapshotError */
export function decodeProducerSnapshot(bytes: Buffer, path: string): ProducerStateEntry[] {
  if (bytes.length < ENTRIES_POSITION) throw new CorruptSnapshotError(`${path} holds ${bytes.length} bytes`);
  const version = bytes.readInt16BE(0);
  if (version !== SNAPSHOT_VERSION) throw new CorruptSnapshotError(`${path} has version ${version}, expected 1`);
  const stored = bytes.readUInt32BE(CRC_POSITION);
  const computed = crc32c(bytes, COUNT_POSITION);
  if (stored !== computed) {
    throw new CorruptSnapshotError(`${path} is corrupt (stored crc = ${stored}, computed crc = ${computed})`);
  }
  const count = bytes.readInt32BE(COUNT_POSITION);
  if (count < 0 || ENTRIES_POSITION + count * ENTRY_SIZE !== bytes.length) {
    throw new CorruptSnapshotError(`${path} holds ${bytes.length} bytes for ${count} entries`);
  }
  const entries: ProducerStateEntry[] = [];
  for (let i = 0; i < count; i++) entries.push(readEntry(bytes, ENTRIES_POSITION + i * ENTRY_SIZE));
  return entries;
}

/** @throws CorruptSnapshotError | StorageError */
export function readProducerSnapshot(fileSystem: FileSystem, path: string): ProducerStateEntry[] {
  return decodeProducerSnapshot(fileSystem.readFileSync(path), path);
}

function writeEntry(bytes: Buffer, position: number, entry: ProducerStateEntry): void {
  bytes.writeBigInt64BE(BigInt(entry.producerId), position);
  bytes.writeInt16BE(entry.producerEpoch, position + 8);
  bytes.writeInt32BE(entry.lastSequence, position + 10);
  bytes.writeBigInt64BE(BigInt(entry.lastDataOffset), position + 14);
  bytes.writeInt32BE(entry.lastOffsetDelta, position + 22);
  bytes.writeBigInt64BE(BigInt(entry.lastTimestamp), position + 26);
  bytes.writeInt32BE(entry.coordinatorEpoch, position + 34);
  bytes.writeBigInt64BE(BigInt(entry.currentTxnFirstOffset ?? -1), position + 38);
}

function readEntry(bytes: Buffer, position: number): ProducerStateEntry {
  const currentTxnFirstOffset = Number(bytes.readBigInt64BE(position + 38));
  const lastTimestamp = Number(bytes.readBigInt64BE(position + 26));
  const entry = new ProducerStateEntry(Number(bytes.readBigInt64BE(position)), {
    producerEpoch: bytes.readInt16BE(position + 8),
    coordinatorEpoch: bytes.readInt32BE(position + 34),
    lastTimestamp,
    currentTxnFirstOffset: currentTxnFirstOffset >= 0 ? currentTxnFirstOffset : undefined,
  });
  const lastOffset = Number(bytes.readBigInt64BE(position + 14));
  if (lastOffset >= 0) {
    entry.batches.push({
      lastSequence: bytes.readInt32BE(position + 10),
      lastOffset,
      offsetDelta: bytes.readInt32BE(position + 22),
      timestamp: lastTimestamp,
    });
  }
  return entry;
}
