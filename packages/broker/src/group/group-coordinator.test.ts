// The coordinator over a log in memory: what is stored and read back, what waits for the log, who is refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Counter, type ErrorCode, type ErrorName, Errors, errorName, Gauge } from '@ottla/base';
import { endTransactionMarker } from '@ottla/records';
import type { PartitionErrors } from './offset-results.ts';
import { CoordinatorFixture, NOBODY, OFFSETS_PARTITION, subscription } from './testing/coordinator-fixture.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;

function errorOf(errors: PartitionErrors, topic: string, partition = 0): ErrorName | undefined {
  const code = errors.get(topic)?.get(partition);
  return code === undefined ? undefined : errorName(code);
}

describe('before and after a broker coordinates a partition', () => {
  test('requests before start and after close are refused', async () => {
    const fixture = new CoordinatorFixture();
    assert.equal((await fixture.join('g')).errorCode, Errors.COORDINATOR_NOT_AVAILABLE);
    await fixture.elected();
    const waiting = fixture.join('g');
    await fixture.coordinator.close();
    assert.equal((await waiting).errorCode, Errors.NOT_COORDINATOR);
    assert.equal(fixture.coordinator.heartbeat('g', NOBODY), Errors.COORDINATOR_NOT_AVAILABLE);
    assert.equal(fixture.clock.pendingCount, 0);
  });

  test('a broker that is not elected is not the coordinator', async () => {
    const fixture = new CoordinatorFixture();
    fixture.coordinator.start(1);
    assert.equal((await fixture.join('g')).errorCode, Errors.NOT_COORDINATOR);
    assert.equal(fixture.coordinator.describeGroup('g').errorCode, Errors.NOT_COORDINATOR);
  });

  test('while it loads each API answers as Kafka does', async () => {
    const fixture = new CoordinatorFixture();
    fixture.coordinator.start(1);
    fixture.log.loadError = new Error('disk on fire');
    void fixture.coordinator.onElection(0, 0);
    const { coordinator } = fixture;
    assert.equal((await fixture.join('g')).errorCode, Errors.COORDINATOR_LOAD_IN_PROGRESS);
    assert.equal(coordinator.heartbeat('g', NOBODY), Errors.NONE);
    const sync = { groupId: 'g', memberId: 'm', groupInstanceId: null, generationId: 1, assignment: new Map() };
    const synced = await coordinator.syncGroup({ ...sync, protocolType: null, protocolName: null });
    assert.equal(synced.errorCode, Errors.REBALANCE_IN_PROGRESS);
    assert.equal(fixture.committed('g', 'orders'), `error ${Errors.COORDINATOR_LOAD_IN_PROGRESS}`);
    assert.equal(coordinator.listGroups({ states: [], types: [] }).errorCode, Errors.COORDINATOR_LOAD_IN_PROGRESS);
    fixture.log.loadError = undefined;
    await fixture.clock.advance(1_000);
    assert.equal(fixture.committed('g', 'orders'), -1);
    await coordinator.close();
  });

  test('news of an old leader epoch change nothing', async () => {
    const fixture = await new CoordinatorFixture().elected(5);
    fixture.coordinator.onResignation(0, 4);
    assert.equal(fixture.committed('g', 'orders'), -1);
    fixture.coordinator.onResignation(0, 6);
    assert.equal(fixture.committed('g', 'orders'), `error ${Errors.NOT_COORDINATOR}`);
    await fixture.coordinator.onElection(0, 5);
    assert.equal(fixture.committed('g', 'orders'), `error ${Errors.NOT_COORDINATOR}`);
  });

  test('group ids and session timeouts are checked', async () => {
    const fixture = await new CoordinatorFixture().elected();
    assert.equal((await fixture.join('')).errorCode, Errors.INVALID_GROUP_ID);
    for (const sessionTimeoutMs of [5_999, 1_800_001])
      assert.equal((await fixture.join('g', { sessionTimeoutMs })).errorCode, Errors.INVALID_SESSION_TIMEOUT);
    assert.equal((await fixture.join('g', { memberId: 'm' })).errorCode, Errors.UNKNOWN_MEMBER_ID);
    // The member id would be longer than any string of the protocol.
    for (const tooLong of [{ clientId: 'x'.repeat(32_731) }, { groupInstanceId: 'x'.repeat(32_731) }])
      assert.equal((await fixture.join('g', tooLong)).errorCode, Errors.INVALID_REQUEST);
    assert.deepEqual(fixture.coordinator.listGroups({ states: [], types: [] }).groups, []);
  });
});

describe('groups in the log', () => {
  test('a stable group is stable on the next coordinator, members and assignment kept', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const member = await fixture.stableGroup('g', { groupInstanceId: 'instance' });
    const next = await fixture.successor().elected();
    assert.deepEqual(next.coordinator.describeGroup('g'), fixture.coordinator.describeGroup('g'));
    assert.equal(next.coordinator.heartbeat('g', member), Errors.NONE);
    assert.equal(next.coordinator.describeGroup('g').state, 'Stable');
  });

  test('a loaded member that sends no heartbeat is out after its session', async () => {
    const fixture = await new CoordinatorFixture().elected();
    await fixture.stableGroup('g');
    const next = await fixture.successor().elected();
    await next.clock.advance(9_999);
    assert.equal(next.coordinator.describeGroup('g').state, 'Stable');
    await next.clock.advance(1);
    assert.equal(next.coordinator.describeGroup('g').state, 'Empty');
  });

  test('heartbeats put the session off, timer by timer', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const member = await fixture.stableGroup('g');
    for (let beat = 0; beat < 10; beat++) {
      await fixture.clock.advance(6_000);
      assert.equal(fixture.coordinator.heartbeat('g', member), Errors.NONE);
    }
    await fixture.clock.advance(10_000);
    assert.equal(fixture.coordinator.heartbeat('g', member), Errors.UNKNOWN_MEMBER_ID);
  });

  test('member ids are the client id or instance id and a uuid', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const uuid = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}';
    const sentAway = await fixture.join('g', { requireKnownMemberId: true });
    assert.match(sentAway.memberId, new RegExp(`^client-${uuid}$`));
    assert.equal(sentAway.errorCode, Errors.MEMBER_ID_REQUIRED);
    const { memberId } = await fixture.stableGroup('h', { groupInstanceId: 'instance' });
    assert.match(memberId, new RegExp(`^instance-${uuid}$`));
  });

  test('a loaded group over capacity rebalances to shed members', async () => {
    const fixture = await new CoordinatorFixture().elected();
    await fixture.stableGroup('g');
    const next = await fixture.successor({ groupMaxSize: 0 }).elected();
    assert.equal(next.coordinator.describeGroup('g').state, 'PreparingRebalance');
  });

  const STORE_ERRORS: readonly [ErrorName, ErrorName, ErrorName][] = [
    // the log's error, what SyncGroup says, what OffsetCommit says
    ['UNKNOWN_TOPIC_OR_PARTITION', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'],
    ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'],
    ['NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE'],
    ['NOT_LEADER_OR_FOLLOWER', 'NOT_COORDINATOR', 'NOT_COORDINATOR'],
    ['KAFKA_STORAGE_ERROR', 'NOT_COORDINATOR', 'NOT_COORDINATOR'],
    ['REQUEST_TIMED_OUT', 'REBALANCE_IN_PROGRESS', 'REQUEST_TIMED_OUT'],
    ['MESSAGE_TOO_LARGE', 'UNKNOWN_SERVER_ERROR', 'INVALID_COMMIT_OFFSET_SIZE'],
    ['RECORD_LIST_TOO_LARGE', 'UNKNOWN_SERVER_ERROR', 'INVALID_COMMIT_OFFSET_SIZE'],
    ['INVALID_FETCH_SIZE', 'UNKNOWN_SERVER_ERROR', 'INVALID_COMMIT_OFFSET_SIZE'],
    ['INVALID_TXN_STATE', 'INVALID_TXN_STATE', 'INVALID_TXN_STATE'],
  ];
  for (const [logError, syncError, commitError] of STORE_ERRORS) {
    test(`${logError} of the log is ${syncError} to SyncGroup and ${commitError} to OffsetCommit`, async () => {
      const fixture = await new CoordinatorFixture().elected();
      const { coordinator, log } = fixture;
      const joining = fixture.join('g');
      await fixture.clock.advance(0);
      const { memberId, generationId } = await joining;
      log.errorCode = Errors[logError];
      const member = { memberId, generationId, groupInstanceId: null };
      const protocol = { protocolType: null, protocolName: null, assignment: new Map() };
      const synced = await coordinator.syncGroup({ groupId: 'g', ...member, ...protocol });
      assert.equal(errorName(synced.errorCode), syncError);
      const errors = await coordinator.commitOffsets('simple', NOBODY, fixture.offsets('orders', 1));
      assert.equal(errorOf(errors, 'orders'), commitError);
      assert.equal(fixture.committed('simple', 'orders'), -1);
    });
  }
});

describe('offsets', () => {
  test('a committed offset is visible once the log has it, here and on the next coordinator', async () => {
    const fixture = await new CoordinatorFixture().elected();
    fixture.log.holds = true;
    const offsets = fixture.offsets('orders', 42, { leaderEpoch: 3, metadata: 'm' });
    const committing = fixture.coordinator.commitOffsets('g', NOBODY, offsets);
    assert.equal(fixture.committed('g', 'orders'), -1);
    assert.equal(fixture.committed('g', 'orders', 0, true), 'unstable');
    fixture.log.release();
    assert.equal(errorOf(await committing, 'orders'), 'NONE');
    assert.equal(fixture.committed('g', 'orders', 0, true), 42);
    const next = await fixture.successor().elected();
    const fetched = next.coordinator.fetchOffsets('g', { requireStable: false, topics: undefined });
    assert.deepEqual(fetched.offsets.get('orders')?.get(0), {
      offset: 42,
      leaderEpoch: 3,
      metadata: 'm',
      errorCode: Errors.NONE,
    });
  });

  test('of two commits the later one of the log wins, whichever is acknowledged first', async () => {
    const fixture = await new CoordinatorFixture().elected();
    fixture.log.holds = true;
    const first = fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 1));
    const second = fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 2));
    fixture.log.release('reversed');
    await Promise.all([first, second]);
    assert.equal(fixture.committed('g', 'orders', 0, true), 2);
  });

  test('metadata over offset.metadata.max.bytes refuses its partition alone', async () => {
    const fixture = await new CoordinatorFixture({ offsetMetadataMaxSize: 3 }).elected();
    const offsets = new Map([
      ...fixture.offsets('orders', 1, { metadata: 'long' }),
      ...fixture.offsets('returns', 2, { metadata: 'abc' }),
    ]);
    const errors = await fixture.coordinator.commitOffsets('g', NOBODY, offsets);
    assert.equal(errorOf(errors, 'orders'), 'OFFSET_METADATA_TOO_LARGE');
    assert.equal(errorOf(errors, 'returns'), 'NONE');
    assert.equal(fixture.committed('g', 'orders'), -1);
    assert.equal(fixture.committed('g', 'returns'), 2);
  });

  test('a generation of an unknown group is illegal; the empty group id may commit', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const { coordinator } = fixture;
    const old = { memberId: 'm', groupInstanceId: null, generationId: 3 };
    const errors = await coordinator.commitOffsets('g', old, fixture.offsets('orders', 1));
    assert.equal(errorOf(errors, 'orders'), 'ILLEGAL_GENERATION');
    assert.equal(coordinator.describeGroup('g').state, 'Dead');
    const simple = await coordinator.commitOffsets('', NOBODY, fixture.offsets('orders', 1));
    assert.equal(errorOf(simple, 'orders'), 'NONE');
    assert.equal(coordinator.describeGroup('').state, 'Empty');
  });

  test('offsets are written with the versions Kafka chooses', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const commit = { leaderEpoch: 0, metadata: 'meta', commitTimestampMs: 1_795_215_686_670 };
    await fixture.coordinator.commitOffsets('golden-group', NOBODY, fixture.offsets('plain', 123, commit));
    await fixture.coordinator.commitOffsets(
      'golden-group',
      NOBODY,
      fixture.offsets('plain', 45, { ...commit, partition: 1, expireTimestampMs: 1_795_215_686_671 }),
    );
    const records = fixture.log.batches(OFFSETS_PARTITION).flatMap((batch) => [...batch.records()]);
    // The first one stands like this in the log of a Kafka 3.9 broker.
    assert.deepEqual(
      records.map(({ key, value }) => [key?.toString('hex'), value?.toString('hex')]),
      [
        [
          '0001000c676f6c64656e2d67726f75700005706c61696e00000000',
          '0003000000000000007b0000000000046d657461000001a1fb317c0e',
        ],
        [
          '0001000c676f6c64656e2d67726f75700005706c61696e00000001',
          '0001000000000000002d00046d657461000001a1fb317c0e000001a1fb317c0f',
        ],
      ],
    );
  });
});

describe('expiry', () => {
  const CONFIG = { offsetsRetentionMs: DAY_MS, offsetsRetentionCheckIntervalMs: HOUR_MS };

  test('pure commits expire a retention after each commit, and the group with the last one', async () => {
    const fixture = await new CoordinatorFixture(CONFIG).elected();
    await fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 1));
    await fixture.clock.advance(12 * HOUR_MS);
    await fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('returns', 2));
    await fixture.clock.advance(12 * HOUR_MS);
    assert.equal(fixture.committed('g', 'orders'), -1);
    assert.equal(fixture.committed('g', 'returns'), 2);
    await fixture.clock.advance(12 * HOUR_MS);
    assert.equal(fixture.coordinator.describeGroup('g').state, 'Dead');
    const next = await fixture.successor().elected();
    assert.deepEqual(next.coordinator.listGroups({ states: [], types: [] }).groups, []);
  });

  test('offsets of a group of consumers count from when it became empty', async () => {
    const fixture = await new CoordinatorFixture(CONFIG).elected();
    const member = await fixture.stableGroup('g', { sessionTimeoutMs: 1_800_000 });
    await fixture.coordinator.commitOffsets('g', member, fixture.offsets('orders', 1));
    for (let beat = 0; beat < 100; beat++) {
      await fixture.clock.advance(HOUR_MS / 3);
      assert.equal(fixture.coordinator.heartbeat('g', member), Errors.NONE);
    }
    assert.equal(fixture.committed('g', 'orders'), 1);
    fixture.coordinator.leaveGroup('g', [{ ...member, reason: null }]);
    await fixture.clock.advance(23 * HOUR_MS);
    assert.equal(fixture.committed('g', 'orders'), 1);
    await fixture.clock.advance(2 * HOUR_MS);
    assert.equal(fixture.coordinator.describeGroup('g').state, 'Dead');
    const next = await fixture.successor().elected();
    assert.equal(next.coordinator.describeGroup('g').state, 'Dead');
  });

  test('a stable group loses the offsets of topics it does not subscribe to', async () => {
    const fixture = await new CoordinatorFixture(CONFIG).elected();
    const member = await fixture.stableGroup('g', { sessionTimeoutMs: 1_800_000 });
    const offsets = new Map([...fixture.offsets('orders', 1), ...fixture.offsets('returns', 2)]);
    await fixture.coordinator.commitOffsets('g', member, offsets);
    for (let beat = 0; beat < 80; beat++) {
      await fixture.clock.advance(HOUR_MS / 3);
      fixture.coordinator.heartbeat('g', member);
    }
    assert.equal(fixture.committed('g', 'orders'), 1);
    assert.equal(fixture.committed('g', 'returns'), -1);
  });

  test('a client may limit the life of its commit itself', async () => {
    const fixture = await new CoordinatorFixture(CONFIG).elected();
    const expireTimestampMs = fixture.clock.nowMs() + 90 * 60_000;
    await fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 1, { expireTimestampMs }));
    await fixture.clock.advance(HOUR_MS);
    assert.equal(fixture.committed('g', 'orders'), 1);
    await fixture.clock.advance(HOUR_MS);
    assert.equal(fixture.committed('g', 'orders'), -1);
  });

  test('what cannot be removed from the log stays in memory and is tried again', async () => {
    const fixture = await new CoordinatorFixture(CONFIG).elected();
    await fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 1));
    fixture.log.errorCode = Errors.NOT_ENOUGH_REPLICAS;
    await fixture.clock.advance(25 * HOUR_MS);
    assert.equal(fixture.committed('g', 'orders'), 1);
    assert.equal(fixture.coordinator.describeGroup('g').state, 'Empty');
    fixture.log.errorCode = Errors.NONE;
    await fixture.clock.advance(HOUR_MS);
    assert.equal(fixture.coordinator.describeGroup('g').state, 'Dead');
  });
});

describe('removal', () => {
  test('only an empty group can be deleted, with its offsets', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const { coordinator } = fixture;
    const member = await fixture.stableGroup('g');
    await coordinator.commitOffsets('g', member, fixture.offsets('orders', 1));
    const deleted = async (): Promise<(ErrorCode | undefined)[]> => {
      const errors = await coordinator.deleteGroups(['g', 'nobody']);
      return [errors.get('g'), errors.get('nobody')];
    };
    assert.deepEqual(await deleted(), [Errors.NON_EMPTY_GROUP, Errors.GROUP_ID_NOT_FOUND]);
    coordinator.leaveGroup('g', [{ ...member, reason: null }]);
    assert.deepEqual(await deleted(), [Errors.NONE, Errors.GROUP_ID_NOT_FOUND]);
    assert.deepEqual(await deleted(), [Errors.GROUP_ID_NOT_FOUND, Errors.GROUP_ID_NOT_FOUND]);
    const next = await fixture.successor().elected();
    assert.equal(next.coordinator.describeGroup('g').state, 'Dead');
    assert.equal(next.committed('g', 'orders'), -1);
  });

  test('a deletion the log refuses did not happen', async () => {
    const fixture = await new CoordinatorFixture().elected();
    await fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 1));
    fixture.log.errorCode = Errors.NOT_ENOUGH_REPLICAS;
    const errors = await fixture.coordinator.deleteGroups(['g']);
    assert.equal(errors.get('g'), Errors.COORDINATOR_NOT_AVAILABLE);
    assert.equal(fixture.committed('g', 'orders'), 1);
    fixture.log.errorCode = Errors.NONE;
    assert.equal((await fixture.coordinator.deleteGroups(['g'])).get('g'), Errors.NONE);
  });

  test('offsets of a subscribed topic stay, others go', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const { coordinator } = fixture;
    const member = await fixture.stableGroup('g');
    const offsets = new Map([...fixture.offsets('orders', 1), ...fixture.offsets('returns', 2)]);
    await coordinator.commitOffsets('g', member, offsets);
    const orders = { topic: 'orders', partition: 0 };
    const returns = { topic: 'returns', partition: 0 };
    const deleted = await coordinator.deleteOffsets('g', [orders, returns]);
    assert.equal(deleted.errorCode, Errors.NONE);
    assert.equal(deleted.errorOf(orders), Errors.GROUP_SUBSCRIBED_TO_TOPIC);
    assert.equal(deleted.errorOf(returns), Errors.NONE);
    assert.equal(fixture.committed('g', 'orders'), 1);
    assert.equal(fixture.committed('g', 'returns'), -1);
    assert.equal((await coordinator.deleteOffsets('nobody', [orders])).errorCode, Errors.GROUP_ID_NOT_FOUND);
  });

  test('members of another protocol type keep all offsets', async () => {
    const fixture = await new CoordinatorFixture().elected();
    void fixture.join('g', { protocolType: 'connect' });
    const deleted = await fixture.coordinator.deleteOffsets('g', [{ topic: 'orders', partition: 0 }]);
    assert.equal(deleted.errorCode, Errors.NON_EMPTY_GROUP);
  });

  test('offsets go with their topic, and an empty group that has no others', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const { coordinator } = fixture;
    await coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 1));
    await coordinator.commitOffsets('h', NOBODY, fixture.offsets('orders', 1));
    await coordinator.commitOffsets('h', NOBODY, fixture.offsets('returns', 1));
    coordinator.onPartitionsDeleted([{ topic: 'orders', partition: 0 }]);
    await fixture.clock.advance(0);
    assert.equal(coordinator.describeGroup('g').state, 'Dead');
    assert.equal(fixture.committed('h', 'orders'), -1);
    assert.equal(fixture.committed('h', 'returns'), 1);
    const next = await fixture.successor().elected();
    assert.equal(next.committed('h', 'orders'), -1);
  });
});

describe('transactions', () => {
  const TRANSACTION = { producerId: 7, producerEpoch: 1, transactionalId: 't', apiVersion: 3 };

  function mark(fixture: CoordinatorFixture, type: 'commit' | 'abort'): void {
    const { producerId, producerEpoch } = TRANSACTION;
    const timestamp = fixture.clock.nowMs();
    const marker = endTransactionMarker({ type, producerId, producerEpoch, coordinatorEpoch: 0, timestamp });
    void fixture.log.append(OFFSETS_PARTITION, marker);
    fixture.coordinator.onTransactionMarker(0, producerId, type);
  }

  for (const outcome of ['commit', 'abort'] as const) {
    test(`offsets in a transaction are unstable until its marker and count after ${outcome} or not`, async () => {
      const fixture = await new CoordinatorFixture().elected();
      await fixture.coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 1));
      const offsets = fixture.offsets('orders', 2);
      const errors = await fixture.coordinator.commitTransactionalOffsets('g', NOBODY, TRANSACTION, offsets);
      assert.equal(errorOf(errors, 'orders'), 'NONE');
      assert.equal(fixture.committed('g', 'orders'), 1);
      assert.equal(fixture.committed('g', 'orders', 0, true), 'unstable');

      const loadedMeanwhile = await fixture.successor().elected();
      assert.equal(loadedMeanwhile.committed('g', 'orders', 0, true), 'unstable');
      assert.equal(loadedMeanwhile.committed('g', 'orders'), 1);

      mark(fixture, outcome);
      const expected = outcome === 'commit' ? 2 : 1;
      assert.equal(fixture.committed('g', 'orders', 0, true), expected);
      loadedMeanwhile.coordinator.onTransactionMarker(0, TRANSACTION.producerId, outcome);
      assert.equal(loadedMeanwhile.committed('g', 'orders', 0, true), expected);
      const loadedAfterwards = await fixture.successor().elected();
      assert.equal(loadedAfterwards.committed('g', 'orders', 0, true), expected);
    });
  }

  test('a marker that overtakes the acknowledgement of the offsets decides them all the same', async () => {
    const fixture = await new CoordinatorFixture().elected();
    fixture.log.holds = true;
    const offsets = fixture.offsets('orders', 2);
    const committing = fixture.coordinator.commitTransactionalOffsets('g', NOBODY, TRANSACTION, offsets);
    await Promise.resolve();
    await Promise.resolve();
    mark(fixture, 'commit');
    assert.equal(fixture.committed('g', 'orders', 0, true), 'unstable');
    fixture.log.release();
    await committing;
    assert.equal(fixture.committed('g', 'orders', 0, true), 2);
  });

  test('a plain commit after that of a transaction wins over it', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const { coordinator } = fixture;
    await coordinator.commitTransactionalOffsets('g', NOBODY, TRANSACTION, fixture.offsets('orders', 2));
    await coordinator.commitOffsets('g', NOBODY, fixture.offsets('orders', 3));
    mark(fixture, 'commit');
    assert.equal(fixture.committed('g', 'orders'), 3);
    const next = await fixture.successor().elected();
    assert.equal(next.committed('g', 'orders'), 3);
  });

  test('a fenced member cannot commit in a transaction, an anonymous producer can (KIP-447)', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const { coordinator } = fixture;
    const member = await fixture.stableGroup('g', { groupInstanceId: 'i' });
    const commit = async (sender: Partial<typeof member>): Promise<ErrorName | undefined> => {
      const offsets = fixture.offsets('orders', 2);
      const all = { ...member, ...sender };
      return errorOf(await coordinator.commitTransactionalOffsets('g', all, TRANSACTION, offsets), 'orders');
    };
    assert.equal(await commit({}), 'NONE');
    assert.equal(await commit({ generationId: 0 }), 'ILLEGAL_GENERATION');
    assert.equal(await commit({ memberId: 'other' }), 'FENCED_INSTANCE_ID');
    assert.equal(await commit({ memberId: 'other', groupInstanceId: null }), 'UNKNOWN_MEMBER_ID');
    assert.equal(await commit(NOBODY), 'NONE');
  });

  test('offsets that the log refused are not pending', async () => {
    const fixture = await new CoordinatorFixture().elected();
    fixture.log.errorCode = Errors.INVALID_PRODUCER_EPOCH;
    const offsets = fixture.offsets('orders', 2);
    const errors = await fixture.coordinator.commitTransactionalOffsets('g', NOBODY, TRANSACTION, offsets);
    assert.equal(errorOf(errors, 'orders'), 'INVALID_PRODUCER_EPOCH');
    assert.equal(fixture.committed('g', 'orders', 0, true), -1);
    assert.deepEqual(fixture.coordinator.listGroups({ states: [], types: [] }).groups, []);
  });
});

describe('views', () => {
  test('ListGroups filters by state and type without regard to case', async () => {
    const fixture = await new CoordinatorFixture().elected();
    await fixture.stableGroup('stable');
    await fixture.coordinator.commitOffsets('empty', NOBODY, fixture.offsets('orders', 1));
    const list = (states: string[], types: string[] = []): string[] =>
      fixture.coordinator.listGroups({ states, types }).groups.map(({ groupId }) => groupId);
    assert.deepEqual(list([]), ['stable', 'empty']);
    assert.deepEqual(list(['stable']), ['stable']);
    assert.deepEqual(list(['EMPTY', 'dead'], ['Classic']), ['empty']);
    assert.deepEqual(list([], ['consumer']), []);
    assert.deepEqual(list(['nonsense']), []);
  });

  test('the timeline says who came and went, why, and how long it took', async () => {
    const fixture = await new CoordinatorFixture({ groupInitialRebalanceDelayMs: 3_000 }).elected();
    const joining = fixture.join('g', { reason: 'first' });
    await fixture.clock.advance(3_000);
    const { memberId } = await joining;
    const timeline = fixture.coordinator.rebalanceTimeline('g');
    assert.equal(timeline?.length, 1);
    const [rebalance] = timeline ?? [];
    assert.equal(rebalance?.joinPhaseMs, 3_000);
    assert.equal(rebalance?.outcome, 'syncing');
    assert.equal(rebalance?.memberCount, 1);
    assert.deepEqual(
      rebalance?.events.map(({ kind, reason }) => [kind, reason]),
      [['joined', 'first']],
    );
    await fixture.clock.advance(60_000);
    const later = fixture.coordinator.rebalanceTimeline('g') ?? [];
    assert.deepEqual(
      later.map(({ outcome }) => outcome),
      ['interrupted', 'empty'],
    );
    assert.deepEqual(
      later.flatMap(({ events }) => events.map(({ kind, memberId: who }) => [kind, who])),
      [
        ['joined', memberId],
        ['sessionTimedOut', memberId],
      ],
    );
  });

  test('metrics count groups by state, offsets, commits and rebalances', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const { metrics, coordinator } = fixture;
    const member = await fixture.stableGroup('g');
    await coordinator.commitOffsets('g', member, fixture.offsets('orders', 1));
    const gauge = (name: string): unknown => {
      const metric = metrics.get({ group: 'kafka.coordinator.group', type: 'GroupMetadataManager', name });
      return metric instanceof Gauge ? metric.read() : undefined;
    };
    const count = (name: string): unknown => {
      const metric = metrics.get({ group: 'kafka.server', type: 'group-coordinator-metrics', name });
      return metric instanceof Counter ? metric.value : undefined;
    };
    assert.deepEqual(['NumGroups', 'NumGroupsStable', 'NumGroupsEmpty', 'NumOffsets'].map(gauge), [1, 1, 0, 1]);
    assert.deepEqual(['offset-commit-count', 'group-completed-rebalance-count'].map(count), [1, 1]);
    await coordinator.close();
    assert.equal(gauge('NumGroups'), undefined);
  });

  test('a subscription is read as far as its topics', async () => {
    const fixture = await new CoordinatorFixture().elected();
    const metadata = Buffer.concat([subscription('orders'), Buffer.from('more that nobody reads')]);
    await fixture.stableGroup('g', { protocols: [{ name: 'range', metadata }] });
    const tp = { topic: 'orders', partition: 0 };
    const deleted = await fixture.coordinator.deleteOffsets('g', [tp]);
    assert.equal(deleted.errorOf(tp), Errors.GROUP_SUBSCRIBED_TO_TOPIC);
  });
});
