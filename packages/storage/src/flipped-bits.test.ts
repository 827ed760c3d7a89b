// One bit of a segment turns. The checksum of a batch covers all but its base offset and leader epoch, so a reader that checks (recovery, the
// cleaner, every client of Kafka) must notice; a fetch hands the bytes out unread, as Kafka does.
// OTTLA_FLIP_FETCH_STEP, OTTLA_FLIP_RECOVERY_STEP and OTTLA_FLIP_CLEANER_STEP say how many bits to go on; 1 tries every one. Of the 524,928
// bits, fetching all takes seconds, recovering or cleaning after each a quarter of an hour: both read the whole segment for each.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KafkaError, MemoryFileSystem, readFully, SeededRandom } from '@ottla/base';
import { batchesIn, type RecordBatch } from '@ottla/records';
import { type Layout, SEED, validBatches, validPrefix } from './damage-testing.ts';
import type { Log } from './log.ts';
import type { LogManager } from './log-manager.ts';
import { batchOf, filesOf, logConfig, newManager, openLog, TP } from './testing.ts';

const FETCH_STEP = Number(process.env.OTTLA_FLIP_FETCH_STEP ?? 7);
const RECOVERY_STEP = Number(process.env.OTTLA_FLIP_RECOVERY_STEP ?? 427);
const CLEANER_STEP = Number(process.env.OTTLA_FLIP_CLEANER_STEP ?? 1393);
const SEGMENT = '/logs/orders-3/00000000000000000000.log';
const SEGMENT_BYTES = 64 * 1024;
const CODECS = ['none', 'gzip', 'snappy', 'lz4'] as const;

function fill(log: Log): void {
  const random = new SeededRandom(SEED);
  let sequence = 0;
  for (let index = 0; log.sizeInBytes < SEGMENT_BYTES; index++) {
    const values = Array.from({ length: 1 + random.nextInt(6) }, () => random.bytes(40).toString('hex'));
    const compressionType = CODECS[index % CODECS.length] ?? 'none';
    const producer = index % 3 === 0 ? { producerId: 7, producerEpoch: 0, baseSequence: sequence } : {};
    if (index % 3 === 0) sequence += values.length;
    log.appendAsLeader(batchOf(values, { compressionType, key: `k${index % 50}`, ...producer }), {
      leaderEpoch: Math.floor(index / 40),
      origin: 'client',
    });
  }
}

function batchWith(layout: readonly Layout[], position: number): Layout {
  const found = layout.findLast((batch) => batch.position <= position);
  assert.ok(found);
  return found;
}

/** Base offset or leader epoch: stamped by the leader, outside of the checksum. */
function isUnchecked(batch: Layout, position: number): boolean {
  const within = position - batch.position;
  return within < 8 || (within >= 12 && within < 16);
}

function* flips(sizeInBytes: number, step: number): Generator<{ position: number; mask: number; bit: number }> {
  const first = step === 1 ? 0 : new SeededRandom(SEED).nextInt(step);
  for (let bit = first; bit < sizeInBytes * 8; bit += step) yield { position: bit >> 3, mask: 1 << (bit & 7), bit };
}

function contentOf(batches: readonly RecordBatch[]): string {
  return batches
    .flatMap((batch) => [...batch.records()].map(({ offset, key, value }) => `${offset}:${key}:${value}`))
    .join('\n');
}

/** What a client does with an answer: checksum first. @returns undefined when it refuses the answer */
function clientRead(log: Log, startOffset: number): RecordBatch[] | undefined {
  try {
    const { records } = log.read({ startOffset, maxBytes: 1, isolation: 'logEnd', minOneMessage: true });
    const { sizeInBytes } = records;
    const batches = [...batchesIn(readFully(records))];
    for (const batch of batches) batch.ensureValid();
    // Part of a batch: a client asks again with more room, and never gets any further.
    return batches.length === 0 && sizeInBytes > 0 ? undefined : batches;
  } catch (error) {
    assert.ok(error instanceof KafkaError, String(error));
    return undefined;
  }
}

describe('one flipped bit of a segment', () => {
  test('reaches no client that checks checksums, and no other batch', (t) => {
    const fileSystem = new MemoryFileSystem();
    const log = openLog({ fileSystem });
    fill(log);
    const intact = fileSystem.readFileSync(SEGMENT);
    const layout = validBatches(intact);
    const file = fileSystem.openSync(SEGMENT, 'read-write');
    const expected = new Map(layout.map((batch) => [batch, contentOf(clientRead(log, batch.firstOffset) ?? [])]));
    let [count, unchecked] = [0, 0];
    for (const { position, mask, bit } of flips(intact.length, FETCH_STEP)) {
      const batch = batchWith(layout, position);
      file.writeSync(Buffer.from([(intact[position] ?? 0) ^ mask]), position);
      const read = clientRead(log, batch.firstOffset);
      if (isUnchecked(batch, position)) unchecked++;
      else if (read !== undefined) assert.equal(contentOf(read), expected.get(batch), `bit ${bit}, seed ${SEED}`);
      else assert.equal(read, undefined);
      // The one before is served as ever.
      const before = layout[layout.indexOf(batch) - 1];
      if (before !== undefined && count % 50 === 0) {
        assert.equal(contentOf(clientRead(log, before.firstOffset) ?? []), expected.get(before), `bit ${bit}`);
      }
      file.writeSync(intact.subarray(position, position + 1), position);
      count++;
    }
    t.diagnostic(`${count} bits of ${intact.length * 8}, ${unchecked} where no checksum reaches, seed ${SEED}`);
  });

  test('ends recovery with the batch before it', (t) => {
    const fileSystem = new MemoryFileSystem();
    fill(openLog({ fileSystem }));
    const intact = fileSystem.readFileSync(SEGMENT);
    let count = 0;
    for (const { position, mask, bit } of flips(intact.length, RECOVERY_STEP)) {
      const damaged = Buffer.from(intact);
      damaged[position] = (damaged[position] ?? 0) ^ mask;
      const next = new MemoryFileSystem();
      next.makeDirectorySync('/logs/orders-3');
      next.openSync(SEGMENT, 'create').writeSync(damaged, 0);
      const log = openLog({ fileSystem: next });
      assert.equal(log.sizeInBytes, validPrefix(damaged), `bit ${bit}, seed ${SEED}`);
      count++;
    }
    t.diagnostic(`${count} bits of ${intact.length * 8}, seed ${SEED}`);
  });

  async function compacted(): Promise<{ manager: LogManager; log: Log; fileSystem: MemoryFileSystem }> {
    const fileSystem = new MemoryFileSystem();
    const manager = newManager({ fileSystem, settings: { transactionPartitionVerificationEnable: false } });
    await manager.start();
    const config = logConfig({ 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '0.01' });
    const log = manager.getOrCreateLog(TP, { topicId: undefined, isNew: true, config });
    fill(log);
    log.roll();
    log.updateHighWatermark(log.logEndOffset);
    return { manager, log, fileSystem };
  }

  test('stops the cleaner, which then leaves the log as it is', async (t) => {
    let { manager, log, fileSystem } = await compacted();
    const intact = fileSystem.readFileSync(SEGMENT);
    const layout = validBatches(intact);
    let [count, unchecked] = [0, 0];
    for (const { position, mask, bit } of flips(intact.length, CLEANER_STEP)) {
      const file = fileSystem.openSync(SEGMENT, 'read-write');
      file.writeSync(Buffer.from([(intact[position] ?? 0) ^ mask]), position);
      const before = filesOf(fileSystem, '/logs');
      const what = `bit ${bit} (byte ${position - batchWith(layout, position).position} of its batch), seed ${SEED}`;
      const result = await manager.cleaner.cleanFilthiestLog();
      count++;
      if (result === undefined) {
        assert.deepEqual(manager.cleaner.uncleanablePartitions, ['orders-3'], what);
        assert.deepEqual(filesOf(fileSystem, '/logs'), before, what);
        file.writeSync(intact.subarray(position, position + 1), position);
        manager.cleaner.forget(TP);
        continue;
      }
      // A leader epoch may be any; an offset that still ascends too.
      assert.ok(isUnchecked(batchWith(layout, position), position), what);
      const damaged = before.get(SEGMENT) ?? intact;
      assert.equal(validPrefix(damaged), damaged.length, what);
      unchecked++;
      ({ manager, log, fileSystem } = await compacted());
    }
    assert.equal(log.isOffline, false);
    t.diagnostic(`${count} bits of ${intact.length * 8}, ${unchecked} unseen where no checksum reaches, seed ${SEED}`);
  });
});
