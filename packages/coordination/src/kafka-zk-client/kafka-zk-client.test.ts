// KafkaZkClient over an embedded tree in memory.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, TopicPartitionMap } from '@ottla/base';
import { EmbeddedTree } from '../embedded/embedded-tree.ts';
import { BrokerIdZNode, type BrokerInfo } from '../znodes/broker-znodes.ts';
import { ControllerEpochZNode } from '../znodes/controller-znodes.ts';
import type { LeaderAndIsr, LeaderIsrAndControllerEpoch } from '../znodes/topic-znodes.ts';
import { KafkaZkClient } from './kafka-zk-client.ts';
import { ZkNodeChangeNotificationListener } from './zk-node-change-notification-listener.ts';
import { ControllerMovedError, UNKNOWN_VERSION } from './zk-primitives.ts';
import { ZooKeeperClient } from './zookeeper-client.ts';

async function cluster() {
  const clock = new FakeClock();
  const tree = new EmbeddedTree({ clock });
  await tree.start();
  const connect = async () => {
    const client = new ZooKeeperClient({ connector: tree, clock });
    await client.start();
    return { client, zk: new KafkaZkClient({ client, clock }) };
  };
  const { client, zk } = await connect();
  await zk.createTopLevelPaths();
  return { clock, tree, connect, client, zk };
}

function brokerInfo(id: number): BrokerInfo {
  const endPoints = [{ listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: 'h', port: 9092 }];
  return { id, endPoints, rack: undefined, features: new Map(), version: 5, jmxPort: -1, timestampMs: 1 };
}

function leaderAndIsr(leader: number, leaderEpoch: number, partitionEpoch: number): LeaderAndIsr {
  return { leader, leaderEpoch, isr: [leader], leaderRecoveryState: 0, partitionEpoch };
}

async function turn(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}

test('a broker registers for its session, and its epoch is the czxid', async () => {
  const { zk, connect } = await cluster();
  const epoch = await zk.registerBroker(brokerInfo(1));
  assert.deepEqual(await zk.getAllBrokerAndEpochsInCluster(), [{ broker: brokerInfo(1), epoch }]);
  const other = await connect();
  await assert.rejects(other.zk.registerBroker(brokerInfo(1)), { code: 'NODEEXISTS' });
  const second = await other.zk.registerBroker(brokerInfo(0));
  assert.ok(second > epoch);
  assert.deepEqual(await zk.getSortedBrokerList(), [0, 1]);
  await other.client.close();
  assert.deepEqual(await zk.getSortedBrokerList(), [1]);
});

test('registering twice in one session keeps the first registration', async () => {
  const { zk } = await cluster();
  assert.equal(await zk.registerBroker(brokerInfo(1)), await zk.registerBroker(brokerInfo(1)));
});

test('the first controller has epoch 1, the next one 2, and only one of two can be', async () => {
  const { zk, connect } = await cluster();
  const other = await connect();
  const first = await zk.registerControllerAndIncrementControllerEpoch(1);
  assert.deepEqual(first, { epoch: 1, epochZkVersion: 1 });
  assert.equal(await other.zk.getControllerId(), 1);
  await assert.rejects(other.zk.registerControllerAndIncrementControllerEpoch(2), ControllerMovedError);
  assert.equal((await zk.getControllerEpoch())?.epoch, 1);
  await zk.deleteController(first.epochZkVersion);
  assert.deepEqual(await other.zk.registerControllerAndIncrementControllerEpoch(2), { epoch: 2, epochZkVersion: 2 });
});

test('a controller that was replaced can write nothing', async () => {
  const { zk, connect } = await cluster();
  const old = await zk.registerControllerAndIncrementControllerEpoch(1);
  await zk.deleteController(old.epochZkVersion);
  const other = await connect();
  await other.zk.registerControllerAndIncrementControllerEpoch(2);
  const states = new TopicPartitionMap<LeaderIsrAndControllerEpoch>([
    [
      { topic: 't', partition: 0 },
      { leaderAndIsr: leaderAndIsr(1, 0, 0), controllerEpoch: 1 },
    ],
  ]);
  await assert.rejects(zk.createTopicPartitionStatesRaw(states, old.epochZkVersion), ControllerMovedError);
  await assert.rejects(zk.deleteTopicZNode('t', old.epochZkVersion), ControllerMovedError);
  await assert.rejects(zk.deleteTopicDeletions(['t'], old.epochZkVersion), ControllerMovedError);
});

test('states of partitions are created once and set only at the version that was read', async () => {
  const { zk } = await cluster();
  const { epochZkVersion } = await zk.registerControllerAndIncrementControllerEpoch(1);
  const tp = { topic: 't', partition: 0 };
  await zk.createTopicAssignment('t', undefined, new Map([[0, [1]]]));
  const states = new TopicPartitionMap([[tp, { leaderAndIsr: leaderAndIsr(1, 0, 0), controllerEpoch: 1 }]]);
  const created = await zk.createTopicPartitionStatesRaw(states, epochZkVersion);
  assert.deepEqual(
    created.map(({ code }) => code),
    ['OK'],
  );
  const again = await zk.createTopicPartitionStatesRaw(states, epochZkVersion);
  assert.deepEqual(
    again.map(({ code }) => code),
    ['NODEEXISTS'],
  );
  const missing = { topic: 't', partition: 9 };
  const result = await zk.updateLeaderAndIsr(
    new TopicPartitionMap([
      [tp, leaderAndIsr(2, 1, 0)],
      [missing, leaderAndIsr(2, 1, 0)],
    ]),
    1,
    epochZkVersion,
  );
  assert.deepEqual(result.finishedPartitions.get(tp), leaderAndIsr(2, 1, 1));
  assert.ok(result.finishedPartitions.get(missing) instanceof Error);
  const stale = await zk.updateLeaderAndIsr(new TopicPartitionMap([[tp, leaderAndIsr(3, 2, 0)]]), 1, epochZkVersion);
  assert.deepEqual(stale.partitionsToRetry, [tp]);
  assert.deepEqual((await zk.getTopicPartitionStates([tp, missing])).get(tp)?.leaderAndIsr, leaderAndIsr(2, 1, 1));
});

test('deleting a topic leaves nothing of it', async () => {
  const { zk } = await cluster();
  const { epochZkVersion } = await zk.registerControllerAndIncrementControllerEpoch(1);
  await zk.createTopicAssignment('t', undefined, new Map([[0, [1]]]));
  const state = { leaderAndIsr: leaderAndIsr(1, 0, 0), controllerEpoch: 1 };
  await zk.createTopicPartitionStatesRaw(
    new TopicPartitionMap([[{ topic: 't', partition: 0 }, state]]),
    epochZkVersion,
  );
  await zk.setOrCreateEntityConfigs('topics', 't', new Map([['a', 'b']]));
  await zk.createDeleteTopicPath('t');
  assert.deepEqual(await zk.getTopicDeletions(), ['t']);
  await zk.deleteTopicZNode('t', epochZkVersion);
  await zk.deleteTopicConfigs(['t'], epochZkVersion);
  await zk.deleteTopicDeletions(['t'], epochZkVersion);
  assert.equal(await zk.topicExists('t'), false);
  assert.deepEqual(await zk.getAllEntitiesWithConfig('topics'), []);
  assert.deepEqual(await zk.getTopicDeletions(), []);
});

test('settings are created, replaced and read; an entity without settings has none', async () => {
  const { zk } = await cluster();
  assert.deepEqual(await zk.getEntityConfigs('topics', 't'), new Map());
  await zk.setOrCreateEntityConfigs('users', 'alice/clients/app', new Map([['producer_byte_rate', '1']]));
  await zk.setOrCreateEntityConfigs('users', 'alice/clients/app', new Map([['producer_byte_rate', '2']]));
  assert.deepEqual(await zk.getEntityConfigs('users', 'alice/clients/app'), new Map([['producer_byte_rate', '2']]));
  assert.deepEqual(await zk.getEntityConfigs('users', 'alice'), new Map());
});

test('the cluster id is made once', async () => {
  const { zk } = await cluster();
  assert.equal(await zk.createOrGetClusterId('first'), 'first');
  assert.equal(await zk.createOrGetClusterId('second'), 'first');
});

test('blocks of producer ids go to one broker each', async () => {
  const { zk } = await cluster();
  const { block, zkVersion } = await zk.getProducerIdBlock();
  assert.equal(block, undefined);
  const first = { brokerId: 1, blockStart: 0, blockEnd: 999 };
  assert.equal(await zk.setProducerIdBlock(first, zkVersion), 1);
  assert.equal(await zk.setProducerIdBlock({ ...first, brokerId: 2 }, zkVersion), undefined);
  assert.deepEqual(await zk.getProducerIdBlock(), { block: first, zkVersion: 1 });
});

test('rules of a resource are created once and changed at the version that was read', async () => {
  const { zk } = await cluster();
  await zk.createAclPaths();
  const resource = { resourceType: 'Topic', name: 't', patternType: 'prefixed' } as const;
  const acl = { principal: 'User:a', permissionType: 'Allow', host: '*', operation: 'Read' };
  assert.equal((await zk.getVersionedAclsForResource(resource)).zkVersion, UNKNOWN_VERSION);
  assert.equal(await zk.createAclsForResourceIfNotExists(resource, [acl]), 0);
  assert.equal(await zk.createAclsForResourceIfNotExists(resource, [acl]), undefined);
  assert.equal(await zk.conditionalSetAclsForResource(resource, [], 0), 1);
  assert.equal(await zk.conditionalSetAclsForResource(resource, [acl], 0), undefined);
  assert.deepEqual(await zk.getResourceNames('prefixed', 'Topic'), ['t']);
  assert.equal(await zk.conditionalDelete(resource, 0), false);
  assert.equal(await zk.conditionalDelete(resource, 1), true);
});

test('notifications of ISR changes are gathered and removed; one that cannot be read is skipped', async () => {
  const { zk, client } = await cluster();
  const { epochZkVersion } = await zk.registerControllerAndIncrementControllerEpoch(1);
  await zk.propagateIsrChanges([
    { topic: 'a', partition: 0 },
    { topic: 'b', partition: 1 },
  ]);
  await client.session.create('/isr_change_notification/isr_change_', Buffer.from('garbage'), 'persistentSequential');
  const numbers = await zk.getAllIsrChangeNotifications();
  assert.deepEqual(numbers, ['0000000000', '0000000001']);
  const partitions = await zk.getPartitionsFromIsrChangeNotifications(numbers);
  assert.deepEqual(
    [...partitions],
    [
      { topic: 'a', partition: 0 },
      { topic: 'b', partition: 1 },
    ],
  );
  await zk.deleteIsrChangeNotifications(epochZkVersion, numbers);
  assert.deepEqual(await zk.getAllIsrChangeNotifications(), []);
});

test('a handler hears of every change as long as it reads again', async () => {
  const { zk, connect } = await cluster();
  const other = await connect();
  const log: string[] = [];
  zk.registerZNodeChildChangeHandler({
    path: '/brokers/ids',
    handleChildChange: () => {
      log.push('change');
      void zk.getSortedBrokerList();
    },
  });
  await zk.getSortedBrokerList();
  for (const id of [1, 2, 3]) {
    await other.zk.registerBroker(brokerInfo(id));
    await turn();
  }
  assert.deepEqual(log, ['change', 'change', 'change']);
});

test('after an expiry a new session starts: first the old one is left, then the new one greeted', async () => {
  const { tree, client, zk } = await cluster();
  await zk.registerBroker(brokerInfo(1));
  const log: string[] = [];
  const expired = client.session;
  zk.registerStateChangeHandler({
    name: 'test',
    beforeInitializingSession: async () => void log.push(`before ${client.session === expired}`),
    afterInitializingSession: async () => void log.push(`after ${client.session === expired}`),
  });
  await tree.expire(expired);
  await turn();
  assert.deepEqual(log, ['before true', 'after false']);
  assert.equal(await zk.pathExists(BrokerIdZNode.path(1)), false);
  await zk.registerBroker(brokerInfo(1));
});

test('config change notifications are handled once each, in order, and old ones removed', async () => {
  const { zk, clock, connect } = await cluster();
  const log: string[] = [];
  const listener = new ZkNodeChangeNotificationListener({
    zkClient: zk,
    clock,
    root: '/config/changes',
    prefix: 'config_change_',
    onNotification: (data) => {
      log.push(data.toString());
      if (data.includes('bad')) throw new Error('this one fails');
    },
  });
  const other = await connect();
  await other.zk.createConfigChangeNotification('topics/a');
  await listener.start();
  await other.zk.createConfigChangeNotification('topics/bad');
  await turn();
  await clock.advance(16 * 60 * 1000);
  await other.zk.createConfigChangeNotification('topics/c');
  await turn();
  assert.deepEqual(
    log.map((line) => JSON.parse(line).entity_path),
    ['topics/a', 'topics/bad', 'topics/c'],
  );
  await listener.close();
  assert.deepEqual(await zk.getChildren('/config/changes'), ['config_change_0000000002']);
});

test('an epoch node with garbage is refused, not taken for zero', async () => {
  const { zk, client } = await cluster();
  await client.session.create(ControllerEpochZNode.path, Buffer.from('x'));
  await assert.rejects(zk.registerControllerAndIncrementControllerEpoch(1), { name: 'ZnodeFormatError' });
});
