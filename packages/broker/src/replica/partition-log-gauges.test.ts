// The gauges of each log: while it is there, and no longer.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Gauge, mbeanName } from '@ottla/base';
import { produce } from '../handlers/00-produce.ts';
import { batchOf } from './testing/batches.ts';
import { LOG_DIR, OTHER_LOG_DIR, ReplicaScenario, type ScenarioOptions } from './testing/replica-scenario.ts';

const ORDERS = { topic: 'orders', partition: 0 };

async function orders(options: ScenarioOptions = {}): Promise<ReplicaScenario> {
  const scenario = await ReplicaScenario.start(options);
  await scenario.createTopic({ topic: 'orders', partitionCount: 2 });
  return scenario;
}

async function produceTo(scenario: ReplicaScenario, index: number): Promise<number> {
  const records = batchOf(['a', 'b']);
  const topicData = [{ name: 'orders', partitionData: [{ index, records }] }];
  await scenario.answer(produce, { acks: -1, timeoutMs: 1000, topicData }, 9);
  return records.length;
}

/** `<name after the group> <value>` of all that are listed. */
function listed(scenario: ReplicaScenario, partition: number): string[] {
  const gauges: string[] = [];
  for (const { name, metric } of scenario.metrics.all()) {
    if (name.type !== 'Log' || name.tags?.get('partition') !== String(partition)) continue;
    assert.ok(metric instanceof Gauge);
    const found = scenario.metrics.get(name);
    assert.equal(found instanceof Gauge && found.read(), metric.read(), mbeanName(name));
    gauges.push(`${mbeanName(name)} ${metric.read()}`);
  }
  return gauges;
}

describe('the gauges of a log', () => {
  test('tell its segments, its first and next offset and its size', async () => {
    const scenario = await orders({ topicConfig: { 'segment.bytes': '100' } });
    const sizeInBytes = await produceTo(scenario, 0);
    await produceTo(scenario, 0);
    scenario.replicaManager.getPartition(ORDERS)?.log?.maybeIncrementLogStartOffset(3);
    assert.deepEqual(listed(scenario, 0), [
      'kafka.log:type=Log,name=NumLogSegments,topic=orders,partition=0 2',
      'kafka.log:type=Log,name=LogStartOffset,topic=orders,partition=0 3',
      'kafka.log:type=Log,name=LogEndOffset,topic=orders,partition=0 4',
      `kafka.log:type=Log,name=Size,topic=orders,partition=0 ${2 * sizeInBytes}`,
    ]);
    assert.equal(listed(scenario, 1).length, 4);
  });

  test('of another name are not there', async () => {
    const scenario = await orders();
    const find = (name: string, ...tags: [string, string][]) =>
      scenario.metrics.get({ group: 'kafka.log', type: 'Log', name, tags: new Map(tags) });
    const topic: [string, string] = ['topic', 'orders'];
    const partition: [string, string] = ['partition', '0'];
    assert.ok(find('Size', topic, partition));
    assert.equal(find('Size', topic), undefined);
    assert.equal(find('Size', topic, ['partition', '00']), undefined);
    assert.equal(find('Size', topic, ['partition', '2']), undefined);
    assert.equal(find('Size', partition, topic), undefined);
    assert.equal(find('Size', topic, partition, ['is-future', 'true']), undefined);
    assert.equal(find('Size', topic, partition, ['is-future', 'false']), undefined);
    assert.equal(find('Height', topic, partition), undefined);
    const tags = new Map([topic, partition]);
    assert.equal(scenario.metrics.get({ group: 'kafka.server', type: 'Log', name: 'Size', tags }), undefined);
  });

  test('of one that moves are there twice, the copy with is-future, until it has moved', async () => {
    const scenario = await orders({ logDirs: [LOG_DIR, OTHER_LOG_DIR] });
    const isIn = (logDir: string) => scenario.logManager.getLog(ORDERS)?.parentDirectory === logDir;
    const logDir = isIn(LOG_DIR) ? OTHER_LOG_DIR : LOG_DIR;
    await produceTo(scenario, 0);
    const before = listed(scenario, 0);
    await scenario.replicaManager.alterReplicaLogDirs([{ tp: ORDERS, logDir }]);
    assert.deepEqual(listed(scenario, 0), [
      ...before,
      'kafka.log:type=Log,name=NumLogSegments,topic=orders,partition=0,is-future=true 1',
      'kafka.log:type=Log,name=LogStartOffset,topic=orders,partition=0,is-future=true 0',
      'kafka.log:type=Log,name=LogEndOffset,topic=orders,partition=0,is-future=true 0',
      'kafka.log:type=Log,name=Size,topic=orders,partition=0,is-future=true 0',
    ]);
    await scenario.replicaManager.alterLogDirs.idle();
    assert.ok(isIn(logDir));
    assert.deepEqual(listed(scenario, 0), before);
  });

  test('go when it is deleted, when its disk fails and when the broker closes', async () => {
    const scenario = await orders();
    const tags = new Map([
      ['topic', 'orders'],
      ['partition', '1'],
    ]);
    const size = { group: 'kafka.log', type: 'Log', name: 'Size', tags };
    await scenario.stop('orders', { deletePartition: true });
    assert.deepEqual([listed(scenario, 0).length, listed(scenario, 1).length], [0, 4]);
    assert.ok(scenario.metrics.get(size));
    scenario.fileSystem.failAllOf = () => true;
    await produceTo(scenario, 1);
    assert.equal(listed(scenario, 1).length, 0);
    assert.equal(scenario.metrics.get(size), undefined);
    const other = await orders();
    await other.close();
    assert.equal(listed(other, 1).length, 0);
  });
});
