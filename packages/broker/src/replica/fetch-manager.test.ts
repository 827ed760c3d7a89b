import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, FakeClock, SeededRandom, ZERO_UUID } from '@ottla/base';
import { FetchManager, type FetchSessionRequest, type FetchUpdate } from './fetch-manager.ts';
import { type FetchPartitionAnswer, type FetchPartitionRequest, nextEpoch } from './fetch-session.ts';
import { FetchSessionCache } from './fetch-session-cache.ts';

const ID_A = 'aaaaaaaaaaaaaaaaaaaaaA';
const ID_B = 'bbbbbbbbbbbbbbbbbbbbbA';

function partition(
  topic: string | null,
  index: number,
  over: Partial<FetchPartitionRequest> = {},
): FetchPartitionRequest {
  return {
    topic,
    topicId: ZERO_UUID,
    partition: index,
    fetchOffset: 0,
    logStartOffset: -1,
    maxBytes: 1000,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    ...over,
  };
}

function answer(over: Partial<FetchPartitionAnswer> = {}): FetchPartitionAnswer {
  return {
    errorCode: Errors.NONE,
    highWatermark: 10,
    logStartOffset: 0,
    preferredReadReplica: -1,
    divergingEpoch: { epoch: -1 },
    records: Buffer.alloc(0),
    ...over,
  };
}

function request(over: Partial<FetchSessionRequest> = {}): FetchSessionRequest {
  return {
    version: 12,
    sessionId: 0,
    sessionEpoch: 0,
    isFromFollower: false,
    partitions: [],
    forgotten: [],
    topicName: () => undefined,
    ...over,
  };
}

function setUp(slots = 10) {
  const clock = new FakeClock();
  const cache = new FetchSessionCache({ slots, clock, random: new SeededRandom(1) });
  return { clock, cache, manager: new FetchManager(cache) };
}

/** Begins a session over `partitions` and answers each with `told`. */
function begin(manager: FetchManager, partitions: FetchPartitionRequest[], over: Partial<FetchSessionRequest> = {}) {
  const context = manager.newContext(request({ partitions, ...over }));
  return context.respond(context.partitions.map((p) => ({ request: p, answer: answer() }))).sessionId;
}

function names(partitions: readonly FetchPartitionRequest[]): string[] {
  return partitions.map((p) => `${p.topic}-${p.partition}`);
}

function updatesOf(partitions: readonly FetchPartitionRequest[], over: Record<string, FetchPartitionAnswer> = {}) {
  return partitions.map((p): FetchUpdate => ({ request: p, answer: over[`${p.topic}-${p.partition}`] ?? answer() }));
}

describe('FetchManager', () => {
  test('epochs count from 1, wrap to 1, and the final one stays', () => {
    assert.equal(nextEpoch(0), 1);
    assert.equal(nextEpoch(1), 2);
    assert.equal(nextEpoch(0x7fffffff), 1);
    assert.equal(nextEpoch(-1), -1);
  });

  // The table of KIP-227, "FetchRequest Metadata meaning".
  test('session 0, epoch -1 reads what is asked and makes no session', () => {
    const { manager, cache } = setUp();
    const context = manager.newContext(request({ sessionEpoch: -1, partitions: [partition('foo', 0)] }));
    assert.deepEqual(names(context.partitions), ['foo-0']);
    const response = context.respond(updatesOf(context.partitions));
    assert.deepEqual([response.errorCode, response.sessionId, response.updates.length], [Errors.NONE, 0, 1]);
    assert.equal(cache.size, 0);
  });

  test('session 0, epoch 0 makes a session', () => {
    const { manager, cache } = setUp();
    const sessionId = begin(manager, [partition('foo', 0), partition('foo', 1)]);
    assert.ok(sessionId > 0);
    assert.equal(cache.size, 1);
    assert.equal(cache.partitionCount, 2);
  });

  test('session N, epoch 0 closes N and makes a new session', () => {
    const { manager, cache } = setUp();
    const first = begin(manager, [partition('foo', 0)]);
    const second = begin(manager, [partition('foo', 0)], { sessionId: first });
    assert.notEqual(first, second);
    assert.equal(cache.get(first), undefined);
    assert.equal(cache.size, 1);
  });

  test('session N, epoch -1 closes N and makes none', () => {
    const { manager, cache } = setUp();
    const sessionId = begin(manager, [partition('foo', 0)]);
    const context = manager.newContext(request({ sessionId, sessionEpoch: -1, partitions: [partition('foo', 1)] }));
    assert.deepEqual(names(context.partitions), ['foo-1']);
    assert.equal(context.respond(updatesOf(context.partitions)).sessionId, 0);
    assert.equal(cache.size, 0);
    assert.equal(cache.partitionCount, 0);
  });

  test('an incremental request reads the session as changed by the request', () => {
    const { manager } = setUp();
    const sessionId = begin(manager, [partition('foo', 0), partition('foo', 1), partition('bar', 0)]);
    const context = manager.newContext(
      request({
        sessionId,
        sessionEpoch: 1,
        partitions: [partition('foo', 1, { fetchOffset: 7 }), partition('baz', 0)],
        forgotten: [partition('bar', 0), partition('unheard', 0)],
      }),
    );
    assert.deepEqual(names(context.partitions), ['foo-0', 'foo-1', 'baz-0']);
    assert.equal(context.partitions[1]?.fetchOffset, 7);
  });

  test('an unknown session is refused', () => {
    const { manager } = setUp();
    const context = manager.newContext(request({ sessionId: 5, sessionEpoch: 1, partitions: [partition('foo', 0)] }));
    assert.deepEqual(context.partitions, []);
    assert.deepEqual(context.respond([]), { errorCode: Errors.FETCH_SESSION_ID_NOT_FOUND, sessionId: 0, updates: [] });
  });

  test('a wrong epoch is refused, and the session stays where it was', () => {
    const { manager } = setUp();
    const sessionId = begin(manager, [partition('foo', 0)]);
    for (const sessionEpoch of [2, 6, 0x7fffffff]) {
      const context = manager.newContext(request({ sessionId, sessionEpoch }));
      assert.equal(context.respond([]).errorCode, Errors.INVALID_FETCH_SESSION_EPOCH);
    }
    assert.equal(manager.newContext(request({ sessionId, sessionEpoch: 1 })).respond([]).errorCode, Errors.NONE);
  });

  test('an answer that the fetcher did not wait for is refused', () => {
    const { manager } = setUp();
    const sessionId = begin(manager, [partition('foo', 0)]);
    const first = manager.newContext(request({ sessionId, sessionEpoch: 1 }));
    const second = manager.newContext(request({ sessionId, sessionEpoch: 2 }));
    const late = first.respond(updatesOf(first.partitions, { 'foo-0': answer({ records: Buffer.alloc(5) }) }));
    assert.deepEqual(late, { errorCode: Errors.INVALID_FETCH_SESSION_EPOCH, sessionId, updates: [] });
    assert.equal(second.respond(updatesOf(second.partitions)).errorCode, Errors.NONE);
    assert.equal(first.respondThrottled().errorCode, Errors.INVALID_FETCH_SESSION_EPOCH);
  });

  test('a session whose last partition is forgotten ends', () => {
    const { manager, cache } = setUp();
    const sessionId = begin(manager, [partition('foo', 0)]);
    const context = manager.newContext(request({ sessionId, sessionEpoch: 1, forgotten: [partition('foo', 0)] }));
    assert.deepEqual(context.partitions, []);
    assert.equal(context.respond([]).sessionId, 0);
    assert.equal(cache.size, 0);
  });

  test('a session does not change between topic names and topic ids', () => {
    const { manager } = setUp();
    const byName = begin(manager, [partition('foo', 0)]);
    const byId = begin(manager, [partition('foo', 0, { topicId: ID_A })], { version: 13 });
    const up = manager.newContext(request({ version: 13, sessionId: byName, sessionEpoch: 1 }));
    const down = manager.newContext(request({ version: 12, sessionId: byId, sessionEpoch: 1 }));
    assert.equal(up.respond([]).errorCode, Errors.FETCH_SESSION_TOPIC_ID_ERROR);
    assert.equal(down.respond([]).errorCode, Errors.FETCH_SESSION_TOPIC_ID_ERROR);
  });

  test('a topic id that was unknown gets its name when it is known', () => {
    const { manager } = setUp();
    const unknown = partition(null, 0, { topicId: ID_A });
    const sessionId = begin(manager, [unknown, partition('bar', 0, { topicId: ID_B })], { version: 13 });
    const before = manager.newContext(request({ version: 13, sessionId, sessionEpoch: 1 }));
    assert.deepEqual(names(before.partitions), ['null-0', 'bar-0']);
    const topicName = (id: string) => (id === ID_A ? 'foo' : undefined);
    const after = manager.newContext(request({ version: 13, sessionId, sessionEpoch: 2, topicName }));
    assert.deepEqual(names(after.partitions), ['foo-0', 'bar-0']);
  });

  test('two topics of one name are told apart by their ids', () => {
    const { manager } = setUp();
    const sessionId = begin(manager, [partition('foo', 0, { topicId: ID_A })], { version: 13 });
    const recreated = partition('foo', 0, { topicId: ID_B });
    const context = manager.newContext(
      request({
        version: 13,
        sessionId,
        sessionEpoch: 1,
        partitions: [recreated],
        forgotten: [partition('foo', 0, { topicId: ID_A })],
      }),
    );
    assert.deepEqual(
      context.partitions.map((p) => p.topicId),
      [ID_B],
    );
  });
});

describe('an incremental answer', () => {
  const cases: [string, FetchPartitionAnswer, boolean][] = [
    ['leaves out a partition where nothing changed', answer(), false],
    ['holds new records', answer({ records: Buffer.alloc(1) }), true],
    ['holds a moved high watermark', answer({ highWatermark: 11 }), true],
    ['holds a moved log start offset', answer({ logStartOffset: 1 }), true],
    ['holds an error', answer({ errorCode: Errors.NOT_LEADER_OR_FOLLOWER }), true],
    ['holds a preferred read replica', answer({ preferredReadReplica: 2 }), true],
    ['holds a diverging epoch', answer({ divergingEpoch: { epoch: 0 } }), true],
  ];
  for (const [name, told, isSent] of cases) {
    test(name, () => {
      const { manager } = setUp();
      const sessionId = begin(manager, [partition('foo', 0), partition('foo', 1)]);
      const context = manager.newContext(request({ sessionId, sessionEpoch: 1 }));
      const response = context.respond(updatesOf(context.partitions, { 'foo-1': told }));
      assert.deepEqual(
        response.updates.map((u) => u.request.partition),
        isSent ? [1] : [],
      );
      assert.equal(response.sessionId, sessionId);
    });
  }

  test('tells a change once', () => {
    const { manager } = setUp();
    const sessionId = begin(manager, [partition('foo', 0)]);
    const counts = [1, 2, 3].map((sessionEpoch) => {
      const context = manager.newContext(request({ sessionId, sessionEpoch }));
      return context.respond(updatesOf(context.partitions, { 'foo-0': answer({ highWatermark: 12 }) })).updates.length;
    });
    assert.deepEqual(counts, [1, 0, 0]);
  });

  test('tells the end of an error although nothing else changed', () => {
    const { manager } = setUp();
    const sessionId = begin(manager, [partition('foo', 0)]);
    const failed = answer({ errorCode: Errors.KAFKA_STORAGE_ERROR });
    const counts = [failed, failed, answer(), answer()].map((told, index) => {
      const context = manager.newContext(request({ sessionId, sessionEpoch: index + 1 }));
      return context.respond(updatesOf(context.partitions, { 'foo-0': told })).updates.length;
    });
    assert.deepEqual(counts, [1, 1, 1, 0]);
  });

  test('puts partitions that gave records behind those that gave none', () => {
    const { manager } = setUp();
    const sessionId = begin(manager, [partition('foo', 0), partition('foo', 1), partition('foo', 2)]);
    const withRecords = answer({ records: Buffer.alloc(100) });
    const first = manager.newContext(request({ sessionId, sessionEpoch: 1 }));
    first.respond(updatesOf(first.partitions, { 'foo-0': withRecords, 'foo-1': withRecords }));
    const second = manager.newContext(request({ sessionId, sessionEpoch: 2 }));
    assert.deepEqual(names(second.partitions), ['foo-2', 'foo-0', 'foo-1']);
    second.respond(updatesOf(second.partitions, { 'foo-0': withRecords }));
    const third = manager.newContext(request({ sessionId, sessionEpoch: 3 }));
    assert.deepEqual(names(third.partitions), ['foo-2', 'foo-1', 'foo-0']);
  });
});

describe('FetchSessionCache', () => {
  const one = [partition('foo', 0)];
  const two = [partition('foo', 0), partition('foo', 1)];

  test('without a free slot a new fetcher goes without a session', () => {
    const { manager, cache } = setUp(1);
    assert.ok(begin(manager, one) > 0);
    assert.equal(begin(manager, two), 0);
    assert.equal(cache.size, 1);
    assert.equal(cache.evictionCount, 0);
  });

  test('no slots means no sessions', () => {
    const { manager, cache } = setUp(0);
    assert.equal(begin(manager, one), 0);
    assert.equal(cache.size, 0);
  });

  test('a session that is not used for longer than the eviction time gives way to any', async () => {
    const { manager, cache, clock } = setUp(2);
    const stale = begin(manager, two);
    const used = begin(manager, two);
    await clock.advance(120_000);
    assert.equal(begin(manager, one), 0);
    manager.newContext(request({ sessionId: used, sessionEpoch: 1 }));
    await clock.advance(1);
    assert.ok(begin(manager, one) > 0);
    assert.equal(cache.get(stale), undefined);
    assert.ok(cache.get(used) !== undefined);
    assert.equal(cache.evictionCount, 1);
  });

  test("a follower takes the slot of a consumer's session at once, never that of a follower's", () => {
    const { manager, cache } = setUp(1);
    const consumer = begin(manager, two);
    const follower = begin(manager, one, { isFromFollower: true });
    assert.ok(follower > 0);
    assert.equal(cache.get(consumer), undefined);
    assert.equal(begin(manager, two, { isFromFollower: true }), 0);
  });

  test('an old session that is in use gives way to a larger one, not to a smaller one', async () => {
    const { manager, cache, clock } = setUp(1);
    const old = begin(manager, two);
    await clock.advance(120_001);
    manager.newContext(request({ sessionId: old, sessionEpoch: 1 }));
    assert.equal(begin(manager, one), 0);
    assert.ok(cache.get(old) !== undefined);
    assert.ok(begin(manager, [...two, partition('foo', 2)]) > 0);
    assert.equal(cache.get(old), undefined);
  });
});
