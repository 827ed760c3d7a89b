import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gauge } from '@ottla/base';
import { ControllerScenario, type ScenarioNode } from './controller-scenario.ts';

const NAMES = [
  'ActiveControllerCount',
  'GlobalTopicCount',
  'GlobalPartitionCount',
  'OfflinePartitionsCount',
  'PreferredReplicaImbalanceCount',
];

function read({ metrics }: ScenarioNode): (number | undefined)[] {
  return NAMES.map((name) => {
    const gauge = metrics.get({ group: 'kafka.controller', type: 'KafkaController', name });
    return gauge instanceof Gauge ? gauge.read() : undefined;
  });
}

test('the controller counts topics, partitions, those without leader and those led by another than the preferred one', async () => {
  const scenario = await ControllerScenario.start([1, 2]);
  const controller = scenario.controller;
  const other = scenario.node(controller.broker === scenario.broker(1) ? 2 : 1);
  try {
    assert.deepEqual(read(controller), [1, 0, 0, 0, 0]);
    const [mine, theirs] = other === scenario.node(2) ? ([1, 2] as const) : ([2, 1] as const);
    await scenario.createTopic('orders', [[mine, theirs], [theirs, mine], [theirs]]);
    assert.deepEqual(read(controller), [1, 1, 3, 0, 0]);
    assert.deepEqual(read(other), [0, 0, 0, 0, 0]);
    await scenario.killBroker(theirs);
    await scenario.settle();
    // Partition 1 is led by the broker that is left, partition 2 by none.
    assert.deepEqual(read(controller), [1, 1, 3, 1, 2]);
    await controller.controller.close();
    assert.equal(read(controller)[0], undefined);
  } finally {
    await scenario.close();
  }
});
