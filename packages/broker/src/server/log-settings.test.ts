// Settings of logs that a whole broker takes while it runs, and what its cleaner tells operators.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BackgroundThreadListener, Gauge, type TopicPartition, yieldToEventLoop } from '@ottla/base';
import { RecordsBuilder, type RecordsBuilderOptions } from '@ottla/records';
import type { Log } from '@ottla/storage';
import { MemoryBroker } from './testing/memory-broker.ts';

const TP = { topic: 'orders', partition: 0 };
const SEGMENT = '/one/orders-0/00000000000000000000.log';
const COMPACTED = {
  'log.dirs': '/one',
  'log.cleanup.policy': 'compact',
  'log.cleaner.min.cleanable.ratio': '0.01',
  'log.cleaner.backoff.ms': '3600000',
};

/** Two records, of which one is to go. */
async function dirtyLog(broker: MemoryBroker, tp: TopicPartition = TP): Promise<Log> {
  const log = await broker.createTopic(tp);
  for (const value of ['a', 'b']) append(log, value);
  log.roll();
  log.updateHighWatermark(log.logEndOffset);
  return log;
}

function append(log: Log, value: string, options: Partial<RecordsBuilderOptions> = {}): void {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
    ...options,
  });
  builder.append({ timestamp: 1_700_000_000_000, key: Buffer.from('k'), value: Buffer.from(value) });
  log.appendAsLeader(builder.build(), { leaderEpoch: 0, origin: 'client' });
}

async function pass(broker: MemoryBroker, ms: number): Promise<void> {
  await broker.clock.advance(ms);
  for (let turn = 0; turn < 100; turn++) await yieldToEventLoop();
}

function gauge(broker: MemoryBroker, type: string, name: string, logDirectory?: string): number | undefined {
  const tags = logDirectory === undefined ? new Map() : new Map([['logDirectory', logDirectory]]);
  const metric = broker.metrics.get({ group: 'kafka.log', type, name, tags });
  return metric instanceof Gauge ? metric.read() : undefined;
}

test('log.cleaner.backoff.ms holds at once, for a cleaner that waits as well', async () => {
  const broker = await MemoryBroker.start(COMPACTED);
  try {
    const log = await dirtyLog(broker);
    await pass(broker, 60_000);
    const dirty = log.sizeInBytes;
    await broker.setBrokerConfig('', 'log.cleaner.backoff.ms', '1000');
    assert.equal(log.sizeInBytes, dirty);
    await pass(broker, 1000);
    assert.ok(log.sizeInBytes < dirty, `${log.sizeInBytes} of ${dirty} bytes`);
    assert.equal(gauge(broker, 'LogCleanerManager', 'max-dirty-percent'), 0);
    assert.equal(gauge(broker, 'LogCleaner', 'cleaner-recopy-percent'), 25);
    for (const name of ['max-buffer-utilization-percent', 'max-compaction-delay-secs', 'DeadThreadCount']) {
      assert.equal(gauge(broker, 'LogCleaner', name), 0, name);
    }
  } finally {
    await broker.close();
  }
});

test('log.cleaner.threads holds at once: more cleaners begin, each in a thread of its own', async () => {
  const started: string[] = [];
  const dying = {
    start(_program: URL, { name, listener }: { name: string; listener: BackgroundThreadListener }) {
      started.push(name);
      const post = () => queueMicrotask(() => listener.onDied(new Error('there is no memory for it')));
      return { post, ref() {}, unref() {}, async close() {} };
    },
  };
  const broker = await MemoryBroker.start({ ...COMPACTED, 'log.cleaner.backoff.ms': '600000' }, dying);
  try {
    for (const topic of ['orders', 'sales', 'returns']) await dirtyLog(broker, { topic, partition: 0 });
    await pass(broker, 600_000);
    // The log at which its thread died rests, two are left.
    assert.deepEqual([started, gauge(broker, 'LogCleaner', 'DeadThreadCount')], [['log-cleaner-0'], 1]);
    await broker.setBrokerConfig('', 'log.cleaner.threads', '2');
    await pass(broker, 0);
    assert.deepEqual(started.toSorted(), ['log-cleaner-0', 'log-cleaner-0', 'log-cleaner-1']);
    assert.equal(gauge(broker, 'LogCleaner', 'DeadThreadCount'), 2);
  } finally {
    await broker.close();
  }
});

test('a log that cannot be compacted is counted, and not tried again', async () => {
  const broker = await MemoryBroker.start({ ...COMPACTED, 'log.cleaner.backoff.ms': '1000' });
  try {
    const log = await broker.createTopic(TP);
    append(log, 'a');
    append(log, 'b');
    const file = broker.fileSystem.openSync(SEGMENT, 'read-write');
    const [whole] = broker.fileSystem.readFileSync(SEGMENT).subarray(65);
    file.writeSync(Buffer.from([9]), 65);
    log.roll();
    log.updateHighWatermark(log.logEndOffset);
    assert.equal(gauge(broker, 'LogCleanerManager', 'uncleanable-partitions-count', '/one'), 0);
    await pass(broker, 1000);
    assert.equal(gauge(broker, 'LogCleanerManager', 'uncleanable-partitions-count', '/one'), 1);
    assert.ok((gauge(broker, 'LogCleanerManager', 'uncleanable-bytes', '/one') ?? 0) > 100);
    // It would succeed now, if it were tried.
    file.writeSync(Buffer.from([whole ?? 0]), 65);
    const dirty = log.sizeInBytes;
    for (let times = 0; times < 5; times++) await pass(broker, 1000);
    assert.equal(log.sizeInBytes, dirty);
    assert.equal(gauge(broker, 'LogCleanerManager', 'uncleanable-partitions-count', '/one'), 1);
    assert.equal(gauge(broker, 'LogManager', 'OfflineLogDirectoryCount'), 0);
    assert.equal(gauge(broker, 'LogManager', 'LogDirectoryOffline', '/one'), 0);
  } finally {
    await broker.close();
  }
});

test('producer.id.expiration.ms holds for the producers that are there', async () => {
  const broker = await MemoryBroker.start({ 'log.dirs': '/one' });
  try {
    const log = await broker.createTopic(TP);
    append(log, 'a', { producerId: 7, producerEpoch: 0, baseSequence: 0 });
    await pass(broker, 600_000);
    assert.equal(log.producerStateManager.activeProducers.size, 1);
    await broker.setBrokerConfig('', 'producer.id.expiration.ms', '1000');
    await pass(broker, 600_000);
    assert.equal(log.producerStateManager.activeProducers.size, 0);
  } finally {
    await broker.close();
  }
});

test('transaction.partition.verification.enable holds for the logs that are open', async () => {
  const broker = await MemoryBroker.start({ 'log.dirs': '/one' });
  try {
    const log = await broker.createTopic(TP);
    assert.ok(log.maybeStartTransactionVerification(7, 0, 0) !== undefined);
    await broker.setBrokerConfig('', 'transaction.partition.verification.enable', 'false');
    assert.equal(log.maybeStartTransactionVerification(7, 0, 0), undefined);
  } finally {
    await broker.close();
  }
});
