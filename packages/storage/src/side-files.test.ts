// Every file beside the segments is lost, emptied, cut or has a bit turned, after a clean stop and after a kill. Then the log is as it was (the
// file was built anew, or not believed), or the start refuses it and says which file. OTTLA_SIDE_STEP=1 tries every byte and bit (default: a
// seeded part). Where the format leaves no way to tell, the case says so, and docs/durability.md too.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock, KafkaError, MemoryFileSystem, readFully, SeededRandom, StorageError } from '@ottla/base';
import { batchesIn, endTransactionMarker } from '@ottla/records';
import { SEED } from './damage-testing.ts';
import type { Log } from './log.ts';
import { batchOf, copyFiles, filesOf, logConfig, NOW_MS, newManager, TP } from './testing.ts';

const STEP = Number(process.env.OTTLA_SIDE_STEP ?? 37);
const PARTITION = '/logs/orders-3';
const TOPIC_ID = 'AAAAAAAAAAAAAAAAAAAAAg';
const SETTINGS = { 'segment.bytes': '2400', 'index.interval.bytes': '200' };
const RECORD_COUNT = 150;
const TXN_ENTRY_SIZE = 34;

function fill(log: Log): void {
  let [sequence, idempotentSequence, offset] = [0, 0, 0];
  for (let index = 0; offset < RECORD_COUNT; index++) {
    const values = [`v${index}-a`, `v${index}-b`];
    const isTransactional = index % 5 === 1;
    const producer = isTransactional
      ? { producerId: 9, producerEpoch: 0, baseSequence: sequence, isTransactional }
      : index % 5 === 2
        ? { producerId: 7, producerEpoch: 0, baseSequence: idempotentSequence }
        : {};
    if (isTransactional) sequence += 2;
    if (index % 5 === 2) idempotentSequence += 2;
    // Timestamps mostly ascend.
    const timestamp = NOW_MS + index * 10 - (index % 7 === 0 ? 35 : 0);
    const leaderEpoch = Math.floor(index / 50);
    log.appendAsLeader(batchOf(values, { key: `k${index}`, timestamp, ...producer }), {
      leaderEpoch,
      origin: 'client',
    });
    if (isTransactional) {
      const type = index % 2 === 0 ? 'commit' : 'abort';
      const marker = endTransactionMarker({ type, coordinatorEpoch: 1, producerId: 9, producerEpoch: 0, timestamp });
      log.appendAsLeader(marker, { leaderEpoch, origin: 'coordinator' });
    }
    offset = log.logEndOffset;
  }
  log.updateHighWatermark(log.logEndOffset);
}

async function prepared(): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem();
  const manager = newManager({ fileSystem, settings: { transactionPartitionVerificationEnable: false } });
  await manager.start();
  manager.writeMetaProperties({ brokerId: 1, clusterId: 'cluster=one' });
  const log = manager.getOrCreateLog(TP, { topicId: TOPIC_ID, isNew: true, config: logConfig(SETTINGS) });
  fill(log);
  log.maybeIncrementLogStartOffset(6);
  await log.flush();
  await manager.close();
  return fileSystem.restart();
}

interface Shown {
  readonly start: number;
  readonly end: number;
  /** Per offset asked for: the first record's offset and value of the answer. */
  readonly reads: string;
  readonly timestamps: string;
  /** Per offset: aborted transactions told to a reader of committed records. */
  readonly aborted: string;
  readonly producers: string;
}

/** Everything a client can ask a log for. */
function show(log: Log): Shown {
  log.updateHighWatermark(log.logEndOffset);
  const [reads, timestamps, aborted]: [string[], string[], string[]] = [[], [], []];
  for (let offset = log.logStartOffset; offset < log.logEndOffset; offset++) {
    const options = { startOffset: offset, maxBytes: 300, minOneMessage: true };
    const found = log.read({ ...options, isolation: 'logEnd' });
    const first = [...batchesIn(readFully(found.records))][0];
    first?.ensureValid();
    const record = first === undefined ? undefined : [...first.records()].find((each) => each.offset >= offset);
    reads.push(`${offset}:${record?.offset}=${record?.value}`);
    const committed = log.read({ ...options, isolation: 'txnCommitted' });
    committed.records.release();
    aborted.push(
      `${offset}:${(committed.abortedTransactions ?? []).filter((each) => each.firstOffset <= offset && each.lastOffset >= offset).map((each) => `${each.producerId}@${each.firstOffset}`)}`,
    );
  }
  for (let timestamp = NOW_MS - 50; timestamp < NOW_MS + 700; timestamp += 7) {
    timestamps.push(`${timestamp - NOW_MS}:${log.fetchOffsetByTimestamp(timestamp)?.offset}`);
  }
  timestamps.push(`max:${log.fetchOffsetByTimestamp(-3)?.offset}`);
  const producers = [...log.producerStateManager.activeProducers].map(
    ([id, entry]) => `${id}:${entry.producerEpoch}:${entry.lastSequence}:${entry.lastDataOffset}`,
  );
  return {
    start: log.logStartOffset,
    end: log.logEndOffset,
    reads: reads.join(' '),
    timestamps: timestamps.join(' '),
    aborted: aborted.join(' '),
    producers: producers.sort().join(' '),
  };
}

/** Starts on the disk, once more, and appends. @returns what was there, or the refusal */
async function startOn(fileSystem: MemoryFileSystem): Promise<Shown | string> {
  const clock = new FakeClock(NOW_MS);
  const manager = newManager({ fileSystem, clock, settings: { transactionPartitionVerificationEnable: false } });
  try {
    await manager.start();
    manager.readMetaProperties();
    const log = manager.getOrCreateLog(TP, { topicId: TOPIC_ID, isNew: false, config: logConfig(SETTINGS) });
    const shown = show(log);
    // And the log goes on.
    log.appendAsLeader(batchOf(['next']), { leaderEpoch: 1000, origin: 'client' });
    await manager.close();
    return shown;
  } catch (error) {
    assert.ok(error instanceof KafkaError || error instanceof StorageError || isInconsistent(error), String(error));
    await manager.close();
    return `${error.message} ${error.cause instanceof Error ? error.cause.message : ''}`;
  }
}

function isInconsistent(error: unknown): error is Error {
  return error instanceof Error && error.name === 'InconsistentMetaPropertiesError';
}

type Damage = readonly [what: string, bytes: Buffer | undefined];

function damagesOf(bytes: Buffer, random: SeededRandom): Damage[] {
  const damages: Damage[] = [
    ['removed', undefined],
    ['emptied', Buffer.alloc(0)],
  ];
  const step = STEP === 1 ? 1 : Math.max(1, Math.min(STEP, Math.floor(bytes.length / 2)));
  for (let size = STEP === 1 ? 1 : 1 + random.nextInt(step); size < bytes.length; size += step) {
    damages.push([`cut at ${size}`, bytes.subarray(0, size)]);
  }
  const bitStep = STEP === 1 ? 1 : 1 + (bytes.length * 8 > 16 * STEP ? STEP * 5 : STEP);
  for (let bit = STEP === 1 ? 0 : random.nextInt(bitStep); bit < bytes.length * 8; bit += bitStep) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    damages.push([`bit ${bit} flipped`, flipped]);
  }
  return damages;
}

describe('a side file that is broken', () => {
  for (const stop of ['clean stop', 'kill'] as const) {
    for (const kind of [
      '.index',
      '.timeindex',
      '.txnindex',
      '.snapshot',
      'checkpoint',
      'partition.metadata',
      'meta.properties',
    ]) {
      test(`${kind} after a ${stop}: rebuilt or refused, never a wrong offset`, async (t) => {
        const random = new SeededRandom(SEED);
        const whole = await prepared();
        if (stop === 'kill') whole.removeFileSync('/logs/.kafka_cleanshutdown');
        const files = filesOf(whole, '/');
        const expected = await startOn(copyFiles(files));
        assert.ok(typeof expected !== 'string', String(expected));
        const names = [...files.keys()].filter((path) => path.endsWith(kind));
        assert.ok(names.length > 0, `no ${kind}`);
        let [count, refused] = [0, 0];
        const unseen = new Map<string, number>();
        for (const path of names) {
          for (const [what, bytes] of damagesOf(files.get(path) ?? Buffer.alloc(0), random)) {
            const damaged = new Map(files);
            if (bytes === undefined) damaged.delete(path);
            else damaged.set(path, bytes);
            const fileSystem = copyFiles(damaged);
            const found = await startOn(fileSystem);
            count++;
            const message = `${path} ${what} after a ${stop}, seed ${SEED}`;
            if (typeof found === 'string') {
              assert.match(found, /orders|meta\.properties|checkpoint|metadata|topic id|cluster/, message);
              refused++;
            } else if (!isKnownGap(path, what)) assert.deepEqual(found, expected, message);
            else if (JSON.stringify(found) !== JSON.stringify(expected)) unseen.set(path, (unseen.get(path) ?? 0) + 1);
          }
        }
        const gaps = [...unseen].map(([path, times]) => `${path.replace(PARTITION, '')} ${times}`).join(', ');
        t.diagnostic(
          `${count} damages of ${names.length} files, ${refused} refused, not seen: ${gaps || 'none'}, seed ${SEED}`,
        );
      });
    }
  }
});

/** Where Kafka's format carries no redundancy: which transactions were aborted, apart from their markers; where a log starts. */
function isKnownGap(path: string, what: string): boolean {
  if (path.endsWith('log-start-offset-checkpoint')) return true;
  if (!path.endsWith('.txnindex')) return false;
  const [, size] = /^cut at (\d+)$/.exec(what) ?? [];
  if (size !== undefined) return Number(size) % TXN_ENTRY_SIZE === 0;
  const [, bit] = /^bit (\d+) flipped$/.exec(what) ?? [];
  if (bit === undefined) return true;
  const within = (Number(bit) >> 3) % TXN_ENTRY_SIZE;
  // firstOffset and lastStableOffset.
  return (within >= 10 && within < 18) || within >= 26;
}
