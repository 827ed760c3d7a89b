// The group handlers over a coordinator in memory: every version's answer can be written, and the versions differ where Kafka's do.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteReader, ByteWriter, type Clock, Errors, type TopicPartition } from '@ottla/base';
import { EmbeddedTree, KafkaZkClient, ZooKeeperClient } from '@ottla/coordination';
import type { Decoded } from '@ottla/protocol';
import { KafkaConfig } from '../config/index.ts';
import { CoordinatorFixture, NOBODY } from '../group/testing/coordinator-fixture.ts';
import { MetadataCache } from '../metadata/metadata-cache.ts';
import type { BrokerServices } from '../server/broker-services.ts';
import { Dispatched, type Handler } from '../server/handler.ts';
import { contextForTest } from '../server/testing/services-for-test.ts';
import { offsetCommit } from './08-offset-commit.ts';
import { offsetFetch } from './09-offset-fetch.ts';
import { findCoordinator } from './10-find-coordinator.ts';
import { joinGroup } from './11-join-group.ts';
import { heartbeat } from './12-heartbeat.ts';
import { leaveGroup } from './13-leave-group.ts';
import { syncGroup } from './14-sync-group.ts';
import { describeGroups } from './15-describe-groups.ts';
import { listGroups } from './16-list-groups.ts';
import { txnOffsetCommit } from './28-txn-offset-commit.ts';
import { deleteGroups } from './42-delete-groups.ts';
import { offsetDelete } from './47-offset-delete.ts';

/** Knows partition 0 of `orders`. */
class OrdersMetadata extends MetadataCache {
  override contains({ topic, partition }: TopicPartition): boolean {
    return topic === 'orders' && partition === 0;
  }
}

/** Sends `request` through the codec of `version`, and the answer back. */
async function call<Request, Response>(
  handler: Handler<Request, Response>,
  version: number,
  request: Request,
  parts: Partial<BrokerServices>,
): Promise<Decoded<Response>> {
  const { apiKey } = handler.api;
  const decoded = recode(handler.api.request, request, version);
  const result = await handler.handle(decoded, contextForTest({ apiKey, apiVersion: version }, parts));
  assert.ok(result !== undefined && !(result instanceof Dispatched));
  return recode(handler.api.response, result, version);
}

function recode<T>(codec: Handler<T, T>['api']['request'], value: T, version: number): Decoded<T> {
  const writer = new ByteWriter();
  codec.write(writer, value, version);
  const reader = new ByteReader(writer.finishBuffer());
  const decoded = codec.read(reader, version);
  assert.equal(reader.remaining, 0);
  return decoded;
}

async function parts(fixture: CoordinatorFixture): Promise<Partial<BrokerServices>> {
  await fixture.elected();
  return { groupCoordinator: fixture.coordinator, metadataCache: new OrdersMetadata(), clock: fixture.clock };
}

const protocols = [{ name: 'range', metadata: Buffer.from('metadata') }];

describe('group handlers', () => {
  test('a member joins, syncs, heartbeats and leaves in every version', async () => {
    for (let version = 0; version <= 9; version++) {
      const fixture = new CoordinatorFixture();
      const services = await parts(fixture);
      const request = { groupId: 'g', sessionTimeoutMs: 10_000, protocolType: 'consumer', protocols };
      const rebalanceTimeoutMs = version >= 1 ? { rebalanceTimeoutMs: 60_000 } : {};
      let joining = call(joinGroup, version, { ...request, ...rebalanceTimeoutMs, memberId: '' }, services);
      await fixture.clock.advance(0);
      let joined = await joining;
      assert.equal(joined.errorCode === Errors.MEMBER_ID_REQUIRED, version >= 4);
      if (version >= 4) {
        assert.equal(joined.protocolName, version >= 7 ? null : '');
        const again = { ...request, ...rebalanceTimeoutMs, memberId: joined.memberId };
        joining = call(joinGroup, version, again, services);
        await fixture.clock.advance(0);
        joined = await joining;
      }
      assert.equal(joined.errorCode, Errors.NONE);
      assert.match(joined.memberId, /^test-/);
      assert.deepEqual(
        joined.members.map(({ memberId, metadata }) => [memberId, metadata.toString()]),
        [[joined.memberId, 'metadata']],
      );
      const member = { groupId: 'g', memberId: joined.memberId, generationId: joined.generationId };
      const syncVersion = Math.min(version, 5);
      const protocol = syncVersion >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {};
      const assignments = [{ memberId: joined.memberId, assignment: Buffer.from('all') }];
      const synced = await call(syncGroup, syncVersion, { ...member, ...protocol, assignments }, services);
      assert.equal(synced.assignment.toString(), 'all');
      assert.equal((await call(heartbeat, Math.min(version, 4), member, services)).errorCode, Errors.NONE);
      const described = await call(describeGroups, Math.min(version, 5), { groups: ['g'] }, services);
      assert.equal(described.groups[0]?.groupState, 'Stable');
      assert.equal(described.groups[0]?.members[0]?.clientHost, '/127.0.0.1');
      const leaveVersion = Math.min(version, 5);
      const leaving = leaveVersion < 3 ? { memberId: joined.memberId } : { members: [{ memberId: joined.memberId }] };
      const left = await call(leaveGroup, leaveVersion, { groupId: 'g', ...leaving }, services);
      assert.equal(left.errorCode, Errors.NONE);
      const leftAgain = await call(leaveGroup, leaveVersion, { groupId: 'g', ...leaving }, services);
      const memberError = leaveVersion < 3 ? leftAgain.errorCode : leftAgain.members[0]?.errorCode;
      assert.equal(memberError, Errors.UNKNOWN_MEMBER_ID);
    }
  });

  test('SyncGroup 5 must name its protocol', async () => {
    const services = await parts(new CoordinatorFixture());
    const request = { groupId: 'g', memberId: 'm', generationId: 1, assignments: [] };
    const { errorCode } = await call(syncGroup, 5, request, services);
    assert.equal(errorCode, Errors.INCONSISTENT_GROUP_PROTOCOL);
    assert.equal((await call(syncGroup, 4, request, services)).errorCode, Errors.UNKNOWN_MEMBER_ID);
  });

  test('offsets are committed and fetched in every version of the coordinator', async () => {
    for (let version = 1; version <= 9; version++) {
      const services = await parts(new CoordinatorFixture());
      const partitions = [
        { partitionIndex: 0, committedOffset: version, committedMetadata: null },
        { partitionIndex: 1, committedOffset: version, committedMetadata: 'm' },
      ];
      const committed = await call(
        offsetCommit,
        version,
        { groupId: 'g', topics: [{ name: 'orders', partitions }] },
        services,
      );
      assert.deepEqual(committed.topics[0]?.partitions, [
        { partitionIndex: 0, errorCode: Errors.NONE },
        { partitionIndex: 1, errorCode: Errors.UNKNOWN_TOPIC_OR_PARTITION },
      ]);
      const topics = [{ name: 'orders', partitionIndexes: [0, 1] }];
      const fetched = await call(
        offsetFetch,
        version,
        version < 8 ? { groupId: 'g', topics } : { groups: [{ groupId: 'g', topics }] },
        services,
      );
      const [topic] = version < 8 ? fetched.topics : (fetched.groups[0]?.topics ?? []);
      assert.deepEqual(
        topic?.partitions.map(({ committedOffset, errorCode, metadata }) => [committedOffset, errorCode, metadata]),
        [
          [version, Errors.NONE, ''],
          [-1, Errors.NONE, ''],
        ],
      );
    }
  });

  test('an error of OffsetFetch stands with each partition, then beside the topics, then with its group', async () => {
    const fixture = new CoordinatorFixture();
    fixture.coordinator.start(1);
    const services = { groupCoordinator: fixture.coordinator, metadataCache: new OrdersMetadata() };
    const topics = [{ name: 'orders', partitionIndexes: [0] }];
    const first = await call(offsetFetch, 1, { groupId: 'g', topics }, services);
    assert.equal(first.topics[0]?.partitions[0]?.errorCode, Errors.NOT_COORDINATOR);
    const second = await call(offsetFetch, 2, { groupId: 'g', topics: null }, services);
    assert.deepEqual([second.errorCode, second.topics], [Errors.NOT_COORDINATOR, []]);
    const eighth = await call(offsetFetch, 8, { groups: [{ groupId: 'g', topics }] }, services);
    assert.deepEqual(eighth.groups, [{ groupId: 'g', topics: [], errorCode: Errors.NOT_COORDINATOR }]);
  });

  test('OffsetCommit 2 to 4 limits the life of a commit', async () => {
    const fixture = new CoordinatorFixture({ offsetsRetentionCheckIntervalMs: 1_000 });
    const services = await parts(fixture);
    const partitions = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: '' }];
    const request = { groupId: 'g', retentionTimeMs: 1_500, topics: [{ name: 'orders', partitions }] };
    await call(offsetCommit, 2, request, services);
    await fixture.clock.advance(1_000);
    assert.equal(fixture.committed('g', 'orders'), 1);
    await fixture.clock.advance(1_000);
    assert.equal(fixture.committed('g', 'orders'), -1);
  });

  test('version 0 keeps offsets in the tree, and no group id leads elsewhere in it', async () => {
    const fixture = new CoordinatorFixture();
    const zkClient = await treeInMemory(fixture.clock);
    const services = { ...(await parts(fixture)), zkClient, config: KafkaConfig.fromProperties(new Map()) };
    const commit = async (groupId: string, committedOffset: number) => {
      const partitions = [{ partitionIndex: 0, committedOffset, committedMetadata: '' }];
      const answer = await call(offsetCommit, 0, { groupId, topics: [{ name: 'orders', partitions }] }, services);
      return answer.topics[0]?.partitions[0]?.errorCode;
    };
    const topics = [{ name: 'orders', partitionIndexes: [0] }];
    const fetched = async () =>
      (await call(offsetFetch, 0, { groupId: 'g', topics }, services)).topics[0]?.partitions[0];
    assert.equal((await fetched())?.errorCode, Errors.UNKNOWN_TOPIC_OR_PARTITION);
    assert.equal(await commit('g', 41), Errors.NONE);
    assert.equal(await commit('g', 42), Errors.NONE);
    const node = await zkClient.getDataAndVersion('/consumers/g/offsets/orders/0');
    assert.equal(node.data?.toString(), '42');
    assert.equal((await fetched())?.committedOffset, 42);
    assert.equal(await commit('../brokers', 1), Errors.INVALID_GROUP_ID);
  });

  test('ListGroups, DeleteGroups, OffsetDelete and TxnOffsetCommit answer in every version', async () => {
    const fixture = new CoordinatorFixture();
    const services = await parts(fixture);
    await fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 1));
    for (let version = 0; version <= 5; version++) {
      const listed = await call(listGroups, version, {}, services);
      assert.equal(listed.groups[0]?.groupId, 'g');
      if (version >= 4) assert.equal(listed.groups[0]?.groupState, 'Empty');
      if (version >= 5) assert.equal(listed.groups[0]?.groupType, 'classic');
    }
    const ofOrders = [{ name: 'orders', partitions: [{ partitionIndex: 0 }, { partitionIndex: 1 }] }];
    const deleted = await call(offsetDelete, 0, { groupId: 'g', topics: ofOrders }, services);
    assert.deepEqual(
      deleted.topics[0]?.partitions.map(({ errorCode }) => errorCode),
      [Errors.NONE, Errors.UNKNOWN_TOPIC_OR_PARTITION],
    );
    for (let version = 0; version <= 2; version++) {
      const answer = await call(deleteGroups, version, { groupsNames: ['g'] }, services);
      assert.deepEqual(answer.results, [{ groupId: 'g', errorCode: Errors.GROUP_ID_NOT_FOUND }]);
    }
    for (let version = 0; version <= 4; version++) {
      const partitions = [{ partitionIndex: 0, committedOffset: version, committedMetadata: '' }];
      const topics = [{ name: 'orders', partitions }];
      const request = { transactionalId: 't', groupId: 'g', producerId: 1, producerEpoch: 0, topics };
      const answer = await call(txnOffsetCommit, version, request, services);
      assert.equal(answer.topics[0]?.partitions[0]?.errorCode, Errors.NONE);
      assert.equal(fixture.committed('g', 'orders', 0, true), 'unstable');
    }
  });

  test('DescribeGroups tells the authorized operations when asked, and that nobody knows a group', async () => {
    const services = await parts(new CoordinatorFixture());
    const asked = { groups: ['nobody'], includeAuthorizedOperations: true };
    const [group] = (await call(describeGroups, 5, asked, services)).groups;
    assert.deepEqual([group?.errorCode, group?.groupState, group?.authorizedOperations], [Errors.NONE, 'Dead', 328]);
    const [silent] = (await call(describeGroups, 5, { groups: ['nobody'] }, services)).groups;
    assert.equal(silent?.authorizedOperations, -2147483648);
  });
});

describe('FindCoordinator', () => {
  const NODE = { id: 3, host: 'broker', port: 9092, rack: null };

  async function services(node: typeof NODE | undefined, created: string[] = []): Promise<Partial<BrokerServices>> {
    class LeaderMetadata extends MetadataCache {
      override containsTopic(): boolean {
        return node !== undefined;
      }
      override getPartitionLeaderEndpoint() {
        return node;
      }
    }
    const autoTopicCreation = {
      createTopics: (topics: ReadonlySet<string>) => {
        created.push(...topics);
      },
    };
    return { ...(await parts(new CoordinatorFixture())), metadataCache: new LeaderMetadata(), autoTopicCreation };
  }

  test("names the leader of the key's partition in every version", async () => {
    for (let version = 0; version <= 6; version++) {
      const request = version < 4 ? { key: 'g' } : { coordinatorKeys: ['g', 'h'] };
      const found = await call(findCoordinator, version, request, await services(NODE));
      const nodes = version < 4 ? [found] : found.coordinators;
      assert.equal(nodes.length, version < 4 ? 1 : 2);
      for (const { errorCode, nodeId, host, port } of nodes)
        assert.deepEqual([errorCode, nodeId, host, port], [Errors.NONE, 3, 'broker', 9092]);
    }
  });

  test('has the internal topic created and says meanwhile that nobody coordinates', async () => {
    const created: string[] = [];
    const found = await call(findCoordinator, 2, { key: 'g' }, await services(undefined, created));
    assert.deepEqual(created, ['__consumer_offsets']);
    assert.equal(found.errorCode, Errors.COORDINATOR_NOT_AVAILABLE);
    assert.equal(found.errorMessage, 'The coordinator is not available.');
    assert.deepEqual([found.nodeId, found.host, found.port], [-1, '', -1]);
  });

  test('nobody coordinates share groups, and other kinds of keys are invalid', async () => {
    const share = async (version: number) => {
      const request = { keyType: 2, coordinatorKeys: ['g'] };
      return (await call(findCoordinator, version, request, await services(NODE))).coordinators[0]?.errorCode;
    };
    assert.equal(await share(5), Errors.INVALID_REQUEST);
    assert.equal(await share(6), Errors.COORDINATOR_NOT_AVAILABLE);
    const parts = await services(NODE);
    await assert.rejects(call(findCoordinator, 6, { keyType: 9, coordinatorKeys: ['g'] }, parts), {
      code: Errors.INVALID_REQUEST,
    });
  });
});

async function treeInMemory(clock: Clock): Promise<KafkaZkClient> {
  const tree = new EmbeddedTree({ clock });
  await tree.start();
  const client = new ZooKeeperClient({ connector: tree, clock });
  await client.start();
  const zkClient = new KafkaZkClient({ client, clock });
  await zkClient.createTopLevelPaths();
  return zkClient;
}
