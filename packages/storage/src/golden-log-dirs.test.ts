// Log dirs that Apache Kafka wrote, opened by us: what a consumer read from the broker is what we read from the disk.

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { MemoryFileSystem, readFully, topicPartitionKey } from '@ottla/base';
import { batchesIn, type KafkaRecord, loadCompressionCodecs } from '@ottla/records';
import type { Log } from './log.ts';
import {
  copyInto,
  filesOf,
  GOLDEN_SKIP,
  type GoldenRecord,
  goldenExpectation,
  logConfig,
  newManager,
  readBatches,
  readRecords,
  unpackGolden,
} from './testing.ts';
import type { AbortedTransaction } from './transaction-index.ts';

const DIRECTORIES = [
  ['kafka-2.8-clean-shutdown', '2.8'],
  ['kafka-2.8-no-shutdown', '2.8'],
  ['kafka-3.9-clean-shutdown', '3.9'],
] as const;

function golden(name: string): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  const { path, remove } = unpackGolden(name);
  try {
    copyInto(fileSystem, path, '/logs');
  } finally {
    remove();
  }
  return fileSystem;
}

function shown(record: KafkaRecord): GoldenRecord {
  const headers = record.headers.map((header) => `${header.key}=${header.value?.toString() ?? ''}`);
  const { offset, timestamp, key, value } = record;
  return [offset, timestamp, key?.toString() ?? null, value?.toString() ?? null, ...headers];
}

/** What a consumer does with what a fetch says of aborted transactions. Source: Fetcher.fetchRecords (KIP-98). */
function readCommitted(log: Log): KafkaRecord[] {
  const records: KafkaRecord[] = [];
  let offset = log.logStartOffset;
  for (;;) {
    const fetched = log.read({ startOffset: offset, maxBytes: 4000, isolation: 'txnCommitted', minOneMessage: true });
    const upcoming: AbortedTransaction[] = [...(fetched.abortedTransactions ?? [])];
    upcoming.sort((a, b) => a.firstOffset - b.firstOffset);
    const aborted = new Set<number>();
    const batches = [...batchesIn(readFully(fetched.records))];
    for (const batch of batches) {
      while (upcoming[0] !== undefined && upcoming[0].firstOffset <= batch.lastOffset) {
        aborted.add(upcoming.shift()?.producerId ?? -1);
      }
      if (batch.isControlBatch) aborted.delete(batch.producerId);
      else if (!(batch.isTransactional && aborted.has(batch.producerId))) {
        for (const record of batch.records()) if (record.offset >= offset) records.push(record);
      }
    }
    const last = batches.at(-1);
    if (last === undefined) return records;
    offset = last.nextOffset;
  }
}

describe('log dirs of Apache Kafka', { skip: GOLDEN_SKIP }, () => {
  before(loadCompressionCodecs);

  for (const [name, version] of DIRECTORIES) {
    test(`${name}: every partition reads as its consumers read it`, async () => {
      const fileSystem = golden(name);
      const manager = newManager({ fileSystem, topicSettings: { 'retention.ms': '-1' } });
      await manager.start();
      await manager.loadAll();
      const expected = goldenExpectation(version);
      const seen = new Set<string>();
      for (const log of manager.allLogs()) {
        const key = topicPartitionKey(log.topicPartition);
        const uncommitted = expected.read_uncommitted[key];
        const committed = expected.read_committed[key];
        if (uncommitted === undefined || committed === undefined) continue;
        seen.add(key);
        log.updateHighWatermark(log.logEndOffset);
        assert.equal(log.logStartOffset, uncommitted.start, `${key} starts`);
        assert.equal(log.logEndOffset, uncommitted.end, `${key} ends`);
        assert.deepEqual(readRecords(log).map(shown), uncommitted.records, `${key} read_uncommitted`);
        assert.equal(log.lastStableOffset, committed.end, `${key} is stable up to`);
        assert.deepEqual(readCommitted(log).map(shown), committed.records, `${key} read_committed`);
      }
      assert.deepEqual([...seen].sort(), Object.keys(expected.read_uncommitted).sort());
      await manager.close();
    });

    test(`${name}: our stop leaves a directory whose next start changes nothing`, async () => {
      const fileSystem = golden(name);
      const open = async (): Promise<Map<string, Buffer>> => {
        const manager = newManager({ fileSystem, topicSettings: { 'retention.ms': '-1' } });
        await manager.start();
        await manager.loadAll();
        await manager.close();
        return filesOf(fileSystem, '/logs');
      };
      const first = await open();
      assert.deepEqual(await open(), first);
    });
  }

  for (const name of ['kafka-2.8-clean-shutdown', 'kafka-3.9-clean-shutdown']) {
    test(`${name}: a log built batch by batch is byte for byte Kafka's`, async () => {
      const theirs = golden(name);
      const source = newManager({ fileSystem: theirs, topicSettings: { 'retention.ms': '-1' } });
      const expected = filesOf(theirs, '/logs');
      await source.start();
      await source.loadAll();
      const fileSystem = new MemoryFileSystem();
      const plainSettings = { 'index.interval.bytes': '1024', 'segment.bytes': '20000' };
      const copy = newManager({ fileSystem });
      await copy.start();
      for (const log of source.allLogs()) {
        // What a cleaner or a deletion took away cannot be built again, and of formats 0 and 1 nobody knows which messages came together.
        if (/^(compacted|trimmed|format|__)/.test(log.name)) continue;
        const twin = copy.getOrCreateLog(log.topicPartition, {
          topicId: log.topicId,
          isNew: true,
          config: logConfig(log.topicPartition.topic === 'plain' ? plainSettings : {}),
        });
        for (const batch of readBatches(log, 0)) twin.appendAsFollower(Buffer.from(batch.bytes()));
      }
      await copy.close();
      const names: string[] = [];
      for (const [path, bytes] of filesOf(fileSystem, '/logs')) {
        const partition = path.split('/')[2] ?? '';
        if (!partition.includes('-') || partition.includes('checkpoint')) continue;
        // 2.8 noted the record of the largest timestamp in the time index, 3.9 notes the last of its batch.
        if (name.includes('2.8') && path.endsWith('.timeindex')) continue;
        assert.deepEqual(bytes, expected.get(path), path);
        names.push(path);
      }
      assert.ok(names.length >= 40, `compared ${names.length} files`);
    });
  }

  test('a topic id of 3.9 is read, and another one refused', async () => {
    const manager = newManager({ fileSystem: golden('kafka-3.9-clean-shutdown') });
    await manager.start();
    const found = manager.partitionDirectories().find((each) => topicPartitionKey(each.tp) === 'plain-0');
    assert.equal(found?.topicId?.length, 22);
    const options = { topicId: 'AAAAAAAAAAAAAAAAAAAAAg', isNew: false, config: logConfig() };
    assert.throws(() => manager.getOrCreateLog({ topic: 'plain', partition: 0 }, options), /belongs to topic id/);
    assert.deepEqual(manager.readMetaProperties()?.brokerId, 1);
    await manager.close();
  });
});
