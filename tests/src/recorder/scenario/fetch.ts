// Fetch in every version: whole, cut short, converted down, in sessions, refused; and the epochs and offsets that go with it.

import { deleteRecords, fetch, listOffsets, metadata, offsetForLeaderEpoch, produce } from '@ottla/protocol';
import { batchOf, FIXED_TIMESTAMP } from '../batches.ts';
import { type AskOptions, ask, type Step, servedVersions, since, versionsBetween } from '../step.ts';
import { produceRequest } from './produce.ts';
import { createSteps } from './topics.ts';

const UNKNOWN_ID = 'AAAAAAAAQACAAAAAAAAAAQ';
const ids = new Map<string, string>();

export function fetchSteps(): Step[] {
  return [
    ...preparationSteps(),
    ...wholeSteps(),
    ...refusedSteps(),
    ...sessionSteps(),
    ...listOffsetsSteps(),
    ...epochSteps(),
    ...deleteRecordsSteps(),
  ];
}

function preparationSteps(): Step[] {
  return [
    ...createSteps('create topics to fetch from', [
      { name: 'fetched', numPartitions: 3 },
      { name: 'zstd' },
      { name: 'trimmed' },
      { name: 'only-compacted', configs: { 'cleanup.policy': 'compact' } },
    ]),
    ask('ids of topics to fetch from', metadata, () => ({ topics: null }), {
      versions: [12],
      onAnswer: ({ topics }) => {
        for (const { name, topicId } of topics) if (name !== null) ids.set(name, topicId);
      },
    }),
    ask(
      'fill partition 0',
      produce,
      (version) =>
        produceRequest(
          'fetched',
          batchOf([`a${version}`, `b${version}`, `c${version}`], { timestamp: FIXED_TIMESTAMP + version * 1000 }),
        ),
      {
        versions: [7, 8, 9],
      },
    ),
    ask(
      'fill partition 1 with gzip',
      produce,
      (version) =>
        produceRequest('fetched', batchOf([`a${version}`, 'b'.repeat(100)], { compressionType: 'gzip' }), {
          partition: 1,
        }),
      { versions: [7, 8] },
    ),
    ask(
      'fill a topic with zstd',
      produce,
      () => produceRequest('zstd', batchOf(['z'.repeat(100)], { compressionType: 'zstd' })),
      { versions: [9] },
    ),
    ask(
      'fill the topic to trim',
      produce,
      () => produceRequest('trimmed', batchOf(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'])),
      { versions: [9] },
    ),
  ];
}

export interface FetchWish {
  readonly topic: string;
  readonly partition?: number;
  readonly fetchOffset?: number;
  readonly partitionMaxBytes?: number;
  readonly currentLeaderEpoch?: number;
  readonly lastFetchedEpoch?: number;
  readonly topicId?: string;
}

export interface FetchLimits {
  readonly maxBytes?: number;
  readonly isolationLevel?: number;
  readonly sessionId?: number;
  readonly sessionEpoch?: number;
  readonly forgotten?: readonly FetchWish[];
}

/** A fetch that never waits. Topics are named, or from version 13 on given by id. */
export function fetchRequest(version: number, wishes: readonly FetchWish[], limits: FetchLimits = {}) {
  const { maxBytes = 1 << 20, isolationLevel = 0, sessionId = 0, sessionEpoch = -1, forgotten = [] } = limits;
  return {
    ...(version < 15 ? { replicaId: -1 } : {}),
    maxWaitMs: 0,
    minBytes: 0,
    ...since(version, 3, { maxBytes }),
    ...since(version, 4, { isolationLevel }),
    ...since(version, 7, { sessionId, sessionEpoch }),
    topics: wishes.map((wish) => ({ ...reference(version, wish), partitions: [fetchedPartition(version, wish)] })),
    ...since(version, 7, {
      forgottenTopicsData: forgotten.map((wish) => ({
        ...reference(version, wish),
        partitions: [wish.partition ?? 0],
      })),
    }),
  };
}

function reference(version: number, { topic, topicId }: FetchWish) {
  return version >= 13 ? { topicId: topicId ?? ids.get(topic) ?? UNKNOWN_ID } : { topic };
}

function fetchedPartition(version: number, wish: FetchWish) {
  const {
    partition = 0,
    fetchOffset = 0,
    partitionMaxBytes = 1 << 20,
    currentLeaderEpoch = -1,
    lastFetchedEpoch = -1,
  } = wish;
  return {
    partition,
    fetchOffset,
    partitionMaxBytes,
    ...since(version, 9, { currentLeaderEpoch }),
    ...since(version, 12, { lastFetchedEpoch }),
  };
}

function asking(
  name: string,
  wishes: readonly FetchWish[],
  limits: FetchLimits = {},
  options: AskOptions<unknown> = {},
): Step {
  return ask(name, fetch, (version) => fetchRequest(version, wishes, limits), options);
}

function wholeSteps(): Step[] {
  return [
    asking('fetch from the start', [{ topic: 'fetched' }]),
    asking('fetch gzip from the start', [{ topic: 'fetched', partition: 1 }]),
    asking('fetch an empty partition', [{ topic: 'fetched', partition: 2 }]),
    asking('fetch several topics', [{ topic: 'fetched' }, { topic: 'zstd' }, { topic: 'trimmed' }]),
    asking('fetch from the middle of a batch', [{ topic: 'fetched', fetchOffset: 4 }]),
    asking('fetch at the end', [{ topic: 'fetched', fetchOffset: 9 }]),
    asking('fetch what is committed', [{ topic: 'fetched' }], { isolationLevel: 1 }),
    asking('fetch one byte of the partition', [{ topic: 'fetched', partitionMaxBytes: 1 }]),
    asking(
      'fetch one byte in all',
      [{ topic: 'fetched' }, { topic: 'trimmed' }],
      { maxBytes: 1 },
      { versions: versionsBetween(3, 17) },
    ),
    asking('fetch no bytes', [{ topic: 'fetched', partitionMaxBytes: 0 }], { maxBytes: 0 }),
    asking('fetch a batch and a half', [{ topic: 'fetched', partitionMaxBytes: 150 }]),
    asking('fetch zstd', [{ topic: 'zstd' }]),
    asking('fetch all that was produced', [{ topic: 'produced' }], {}, { versions: [0, 2, 3, 4, 12, 17] }),
    asking('fetch what was stamped by the broker', [{ topic: 'append-time' }], {}, { versions: [0, 2, 4, 17] }),
    asking('fetch what the broker compressed', [{ topic: 'recompressed' }], {}, { versions: [0, 2, 4] }),
    asking('fetch all codecs', [{ topic: 'codecs' }], {}, { versions: [0, 2, 4, 10] }),
    asking('fetch what an idempotent producer wrote', [{ topic: 'idempotent' }], {}, { versions: [3, 4, 17] }),
    asking('fetch no topics', []),
  ];
}

function refusedSteps(): Step[] {
  const fromNine = { versions: versionsBetween(9, 17) };
  return [
    asking('fetch an unknown topic', [{ topic: 'unknown' }, { topic: 'fetched', partition: 2 }]),
    asking('fetch an unknown partition', [{ topic: 'fetched', partition: 9 }]),
    asking('fetch beyond the end', [{ topic: 'fetched', fetchOffset: 10 }]),
    asking('fetch before the start', [{ topic: 'fetched', fetchOffset: -1 }]),
    asking('fetch with an epoch of the future', [{ topic: 'fetched', currentLeaderEpoch: 99 }], {}, fromNine),
    asking('fetch with the current epoch', [{ topic: 'fetched', partition: 2, currentLeaderEpoch: 0 }], {}, fromNine),
    asking(
      'fetch after an epoch of the future',
      [{ topic: 'fetched', lastFetchedEpoch: 7, currentLeaderEpoch: 0 }],
      {},
      { versions: versionsBetween(12, 17) },
    ),
    asking(
      'fetch after the current epoch',
      [{ topic: 'fetched', fetchOffset: 9, lastFetchedEpoch: 0, currentLeaderEpoch: 0 }],
      {},
      { versions: versionsBetween(12, 17) },
    ),
  ];
}

function sessionSteps(): Step[] {
  const sessions = new Map<number, number>();
  const versions = versionsBetween(7, 17);
  const inSession = (
    name: string,
    wishes: readonly FetchWish[],
    sessionEpoch: number,
    forgotten: readonly FetchWish[] = [],
  ) =>
    ask(
      name,
      fetch,
      (version) => fetchRequest(version, wishes, { sessionId: sessions.get(version) ?? 0, sessionEpoch, forgotten }),
      {
        versions,
        onAnswer: ({ sessionId }, version) => {
          if (sessionEpoch === 0) sessions.set(version, sessionId);
        },
      },
    );
  return [
    inSession(
      'open a fetch session',
      [
        { topic: 'fetched', fetchOffset: 9 },
        { topic: 'trimmed', fetchOffset: 8 },
      ],
      0,
    ),
    inSession('fetch in a session where nothing is new', [], 1),
    inSession('fetch in a session from elsewhere', [{ topic: 'trimmed', fetchOffset: 7 }], 2),
    inSession('fetch in a session with one partition forgotten', [], 3, [{ topic: 'trimmed' }]),
    inSession('fetch in a session with an unknown partition', [{ topic: 'fetched', partition: 9 }], 4),
    inSession('fetch in a session with an epoch that was used', [], 4),
    inSession('fetch in a session with an epoch of the future', [], 9),
    inSession('close a fetch session', [{ topic: 'fetched', fetchOffset: 9 }], -1),
    inSession('fetch in a session that was closed', [], 6),
    asking('fetch in a session nobody opened', [], { sessionId: 123_456, sessionEpoch: 1 }, { versions }),
  ];
}

function listOffsetsSteps(): Step[] {
  const list = (
    name: string,
    topic: string,
    timestamp: number,
    { from = 0, partition = 0, isolationLevel = 0, currentLeaderEpoch = -1 } = {},
  ) =>
    ask(
      name,
      listOffsets,
      (version) => ({
        replicaId: -1,
        ...since(version, 2, { isolationLevel }),
        topics: [
          {
            name: topic,
            partitions: [
              {
                partitionIndex: partition,
                timestamp,
                ...(version === 0 ? { maxNumOffsets: 10 } : {}),
                ...since(version, 4, { currentLeaderEpoch }),
              },
            ],
          },
        ],
      }),
      { versions: servedVersions(listOffsets).filter((version) => version >= from) },
    );
  return [
    list('list the latest offset', 'fetched', -1),
    list('list the earliest offset', 'fetched', -2),
    list('list the offset of the largest timestamp', 'fetched', -3, { from: 1 }),
    list('list the earliest local offset', 'fetched', -4, { from: 1 }),
    list('list the latest tiered offset', 'fetched', -5, { from: 1 }),
    list('list an offset of a special timestamp nobody knows', 'fetched', -6, { from: 1 }),
    list('list the offset of a time', 'fetched', FIXED_TIMESTAMP + 8000, { from: 1 }),
    list('list the offset of a time between batches', 'fetched', FIXED_TIMESTAMP + 8500, { from: 1 }),
    list('list the offset of a time in a compressed batch', 'fetched', FIXED_TIMESTAMP + 1, { from: 1, partition: 1 }),
    list('list the offset of a time before all', 'fetched', 0, { from: 1 }),
    list('list the offset of a time after all', 'fetched', 3_000_000_000_000, { from: 1 }),
    list('list the offset of the largest timestamp of nothing', 'fetched', -3, { from: 1, partition: 2 }),
    list('list the latest offset of nothing', 'fetched', -1, { partition: 2 }),
    list('list the last stable offset', 'fetched', -1, { from: 2, isolationLevel: 1 }),
    list('list an offset of an unknown topic', 'unknown', -1),
    list('list an offset of an unknown partition', 'fetched', -1, { partition: 9 }),
    list('list an offset with an epoch of the future', 'fetched', -1, { from: 4, currentLeaderEpoch: 99 }),
    list('list an offset with the current epoch', 'fetched', -1, { from: 4, currentLeaderEpoch: 0 }),
    ask('list offsets of one partition twice', listOffsets, (version) => ({
      replicaId: -1,
      topics: [
        {
          name: 'fetched',
          partitions: [-1, -2].map((timestamp) => ({
            partitionIndex: 0,
            timestamp,
            ...(version === 0 ? { maxNumOffsets: 1 } : {}),
          })),
        },
      ],
    })),
  ];
}

function epochSteps(): Step[] {
  const epochs = (name: string, topic: string, leaderEpoch: number, { partition = 0, currentLeaderEpoch = -1 } = {}) =>
    ask(name, offsetForLeaderEpoch, (version) => ({
      ...since(version, 3, { replicaId: -1 }),
      topics: [{ topic, partitions: [{ partition, leaderEpoch, ...since(version, 2, { currentLeaderEpoch }) }] }],
    }));
  return [
    epochs('the end of the current epoch', 'fetched', 0),
    epochs('the end of an epoch of the future', 'fetched', 5),
    epochs('the end of no epoch', 'fetched', -1),
    epochs('the end of an epoch of nothing', 'fetched', 0, { partition: 2 }),
    epochs('the end of an epoch of an unknown topic', 'unknown', 0),
    epochs('the end of an epoch of an unknown partition', 'fetched', 0, { partition: 9 }),
    epochs('the end of an epoch asked with an epoch of the future', 'fetched', 0, { currentLeaderEpoch: 9 }),
  ];
}

function deleteRecordsSteps(): Step[] {
  const trim = (name: string, topic: string, offset: (version: number) => number, partition = 0) =>
    ask(name, deleteRecords, (version) => ({
      timeoutMs: 10_000,
      topics: [{ name: topic, partitions: [{ partitionIndex: partition, offset: offset(version) }] }],
    }));
  return [
    trim('delete records up to an offset', 'trimmed', (version) => 1 + version),
    trim('delete records up to where they start already', 'trimmed', () => 0),
    trim('delete records beyond the end', 'trimmed', () => 100),
    trim('delete records up to a negative offset', 'trimmed', () => -2),
    trim('delete records of an unknown topic', 'unknown', () => 0),
    trim('delete records of an unknown partition', 'trimmed', () => 0, 9),
    trim('delete records of a compacted topic', 'only-compacted', () => 0),
    trim('delete records of an internal topic', '__consumer_offsets', () => 0),
    asking(
      'fetch before what was deleted',
      [{ topic: 'trimmed', fetchOffset: 1 }],
      {},
      { versions: [0, 4, 5, 11, 17] },
    ),
    asking('fetch after what was deleted', [{ topic: 'trimmed', fetchOffset: 3 }], {}, { versions: [0, 4, 5, 11, 17] }),
    trim('delete all records', 'trimmed', () => -1),
    asking('fetch where all was deleted', [{ topic: 'trimmed', fetchOffset: 8 }], {}, { versions: [0, 4, 5, 11, 17] }),
    ask('list the earliest offset after records were deleted', listOffsets, (version) => ({
      replicaId: -1,
      topics: [
        {
          name: 'trimmed',
          partitions: [{ partitionIndex: 0, timestamp: -2, ...(version === 0 ? { maxNumOffsets: 10 } : {}) }],
        },
      ],
    })),
  ];
}
