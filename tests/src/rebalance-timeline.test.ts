// RunningBroker.rebalanceTimeline, with a consumer of KafkaJS.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { startBroker } from 'ottla';

test('the rebalances of a group can be asked for, and an unknown group has none', async () => {
  const broker = await startBroker({
    config: { 'group.initial.rebalance.delay.ms': 0, 'offsets.topic.num.partitions': 1 },
  });
  const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING });
  const consumer = kafka.consumer({ groupId: 'watched' });
  try {
    assert.equal(broker.rebalanceTimeline('watched'), undefined);
    await consumer.connect();
    await consumer.subscribe({ topic: 'orders' });
    const joined = new Promise((resolve) => consumer.on(consumer.events.GROUP_JOIN, resolve));
    await consumer.run({ eachMessage: () => Promise.resolve() });
    await joined;
    const [rebalance] = broker.rebalanceTimeline('watched') ?? [];
    assert.deepEqual([rebalance?.generationId, rebalance?.memberCount, rebalance?.outcome], [1, 1, 'stable']);
    assert.equal(rebalance?.events[0]?.kind, 'joined');
  } finally {
    await consumer.disconnect();
    await broker.close();
  }
});
