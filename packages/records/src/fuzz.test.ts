// Whatever the bytes: a typed error or records, never anything else. Checksums are put right after the bytes were changed, so
// that the changes reach the code behind them.

import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { KafkaError, SeededRandom } from '@ottla/base';
import {
  batchesIn,
  type CompressionType,
  CorruptRecordError,
  convertRecords,
  InvalidRecordError,
  loadCompressionCodecs,
  type Magic,
  RecordsBuilder,
  UnsupportedCompressionError,
  UnsupportedForMessageFormatError,
  validateMessagesAndAssignOffsets,
} from './index.ts';

const ROUNDS = 4_000;
const LIMIT = { maxDecompressedBytes: 1_000_000 };

before(loadCompressionCodecs);

for (const seed of [1, 2, 3]) {
  test(`changed batches are refused with a typed error or read (seed ${seed})`, () => {
    const random = new SeededRandom(seed);
    let refused = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = changedBatch(random);
      try {
        for (const batch of batchesIn(bytes))
          for (const record of batch.records(LIMIT)) assert.ok(record.offset !== undefined);
        convertRecords(bytes, { toMagic: magicOf(random), upConvert: true, ...LIMIT });
        validate(bytes, random);
      } catch (error) {
        assert.ok(isTyped(error), `seed ${seed}, round ${round}: ${error instanceof Error ? error.stack : error}`);
        refused++;
      }
    }
    assert.ok(refused > ROUNDS / 4 && refused < ROUNDS, `${refused} of ${ROUNDS} refused`);
  });
}

function isTyped(error: unknown): boolean {
  return (
    error instanceof CorruptRecordError ||
    error instanceof InvalidRecordError ||
    error instanceof UnsupportedCompressionError ||
    (error instanceof KafkaError && error instanceof UnsupportedForMessageFormatError)
  );
}

function validate(bytes: Buffer, random: SeededRandom): void {
  validateMessagesAndAssignOffsets(bytes, {
    now: 5_000,
    firstOffset: random.nextInt(1_000),
    toMagic: magicOf(random),
    origin: random.nextInt(2) === 0 ? 'client' : 'coordinator',
    timestampType: random.nextInt(2) === 0 ? 'CreateTime' : 'LogAppendTime',
    timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
    timestampAfterMaxMs: Number.MAX_SAFE_INTEGER,
    compactedTopic: random.nextInt(4) === 0,
    compressionType: random.nextInt(2) === 0 ? 'producer' : 'lz4',
    partitionLeaderEpoch: 1,
    verifyChecksums: false,
    ...LIMIT,
  });
}

function magicOf(random: SeededRandom): Magic {
  return ([0, 1, 2, 2] as const)[random.nextInt(4)] ?? 2;
}

function changedBatch(random: SeededRandom): Buffer {
  const magic = magicOf(random);
  const types: readonly CompressionType[] = ['none', 'none', 'gzip', 'snappy', 'lz4', 'zstd'];
  const compressionType = types[random.nextInt(magic === 2 ? 6 : 5)] ?? 'none';
  const timestampType = magic === 0 ? 'NoTimestampType' : 'CreateTime';
  const builder = new RecordsBuilder({ magic, compressionType, timestampType, baseOffset: 0, producerId: -1 });
  for (let i = random.nextInt(5); i >= 0; i--) {
    const headers = [{ key: 'h', value: random.bytes(random.nextInt(4)) }];
    builder.append({
      timestamp: i,
      key: random.bytes(random.nextInt(9)),
      value: random.bytes(random.nextInt(60)),
      headers,
    });
  }
  const bytes = builder.build();
  // The size and the format, wrong ones of which every reader refuses at once, are changed less often.
  for (let changes = random.nextInt(4); changes > 0; changes--) {
    const position = random.nextInt(bytes.length);
    if ((position >= 8 && position < 12) || position === 16) continue;
    bytes[position] = random.nextInt(256);
  }
  if (random.nextInt(20) === 0) bytes[8 + random.nextInt(9)] = random.nextInt(256);
  return random.nextInt(20) === 0 ? bytes.subarray(0, random.nextInt(bytes.length)) : bytes;
}
