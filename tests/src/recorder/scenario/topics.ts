// Topics: created, grown, deleted, and every way in which that is refused.

import { createPartitions, createTopics, deleteTopics, metadata } from '@ottla/protocol';
import { ask, type Step, since, versionsBetween } from '../step.ts';

const TIMEOUT_MS = 10_000;

export interface TopicWish {
  readonly name: string;
  readonly numPartitions?: number;
  readonly replicationFactor?: number;
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: Readonly<Record<string, string | null>>;
}

/** The request's form of `wish`: by default one partition with one replica. */
export function creatable({ name, numPartitions, replicationFactor, assignments = [], configs = {} }: TopicWish) {
  return {
    name,
    numPartitions: numPartitions ?? (assignments.length > 0 ? -1 : 1),
    replicationFactor: replicationFactor ?? (assignments.length > 0 ? -1 : 1),
    assignments: assignments.map((brokerIds, partitionIndex) => ({ partitionIndex, brokerIds: [...brokerIds] })),
    configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
  };
}

/** Creates `wishes`, for the steps that follow. */
export function createSteps(name: string, wishes: readonly TopicWish[]): Step[] {
  const topics = wishes.map(creatable);
  return [ask(name, createTopics, () => ({ topics, timeoutMs: TIMEOUT_MS, validateOnly: false }), { versions: [7] })];
}

export function topicSteps(): Step[] {
  return [...creationSteps(), ...autoCreationSteps(), ...growthSteps(), ...deletionSteps()];
}

const request =
  (wishes: readonly TopicWish[], validateOnly = false) =>
  (version: number) => ({
    topics: wishes.map(creatable),
    timeoutMs: TIMEOUT_MS,
    ...since(version, 1, { validateOnly }),
  });

function creationSteps(): Step[] {
  const refused: TopicWish[] = [
    { name: 'existing' },
    { name: 'no/name' },
    { name: '' },
    { name: '.' },
    { name: '..' },
    { name: 'x'.repeat(250) },
    { name: 'unknown-key', configs: { 'no.such.key': '1' } },
    { name: 'bad-number', configs: { 'retention.ms': 'soon' } },
    { name: 'bad-range', configs: { 'segment.bytes': '1' } },
    { name: 'bad-policy', configs: { 'cleanup.policy': 'shred' } },
    { name: 'null-value', configs: { 'retention.ms': null } },
    { name: 'too-many-replicas', replicationFactor: 3 },
    { name: 'no-replicas', replicationFactor: 0 },
    { name: 'no-partitions', numPartitions: 0 },
    { name: 'minus-two-partitions', numPartitions: -2 },
    { name: 'same-broker-twice', assignments: [[1, 1]] },
    { name: 'uneven', assignments: [[1], []] },
    { name: 'both', numPartitions: 1, replicationFactor: 1, assignments: [[1]] },
    { name: 'exist.ing' },
    { name: 'exist_ing' },
  ];
  return [
    ...createSteps('create the topic that exists', [{ name: 'existing' }, { name: 'exist.ing' }]),
    ask('create topics', createTopics, (version) =>
      request([
        { name: `created-${version}`, numPartitions: 2 },
        { name: `assigned-${version}`, assignments: [[1], [1], [1]] },
        {
          name: `configured-${version}`,
          configs: { 'cleanup.policy': 'compact', 'retention.ms': '-1', 'max.message.bytes': '2000' },
        },
      ])(version),
    ),
    ask('create topics with the defaults of the broker', createTopics, (version) =>
      request([{ name: `default-${version}`, numPartitions: -1, replicationFactor: -1 }])(version),
    ),
    ask(
      'validate topics only',
      createTopics,
      request(
        [
          { name: 'validated' },
          { name: 'existing' },
          { name: 'unknown-broker', assignments: [[9]] },
          { name: 'no-broker', assignments: [[]] },
        ],
        true,
      ),
      {
        versions: versionsBetween(1, 7),
      },
    ),
    ask('create topics that are refused', createTopics, request(refused)),
    ask('validate topics that are refused', createTopics, request(refused, true), { versions: versionsBetween(1, 7) }),
    ask('create a topic twice in a request', createTopics, (version) =>
      request([{ name: 'twice' }, { name: 'twice' }, { name: `once-${version}` }])(version),
    ),
    ask('create no topics', createTopics, request([])),
    ask(
      'metadata of topics that were created',
      metadata,
      (version) => ({
        topics: ['created-0', 'assigned-1', 'configured-7', 'default-0', 'validated', 'once-3', 'twice'].map(
          (name) => ({ name }),
        ),
        ...since(version, 4, { allowAutoTopicCreation: false }),
        ...since(version, 8, { includeTopicAuthorizedOperations: true }),
      }),
      { versions: versionsBetween(4, 12) },
    ),
    ask('metadata of all topics', metadata, (version) => ({ topics: version === 0 ? [] : null })),
  ];
}

function autoCreationSteps(): Step[] {
  const build = (version: number) => ({ topics: [{ name: `automatic-${version}` }, { name: 'existing' }] });
  return [
    ask('metadata of a topic creates it', metadata, build, { final: [5] }),
    ask('metadata of a topic that was created by asking', metadata, build, {
      until: ({ topics }) => topics.every(({ errorCode }) => errorCode === 0),
    }),
  ];
}

function growthSteps(): Step[] {
  const grow = (name: string, count: number, assignments: readonly (readonly number[])[] | null = null) => ({
    name,
    count,
    assignments: assignments === null ? null : assignments.map((brokerIds) => ({ brokerIds: [...brokerIds] })),
  });
  const alone = (name: string, topic: ReturnType<typeof grow>) =>
    ask(name, createPartitions, () => ({ topics: [topic], timeoutMs: TIMEOUT_MS, validateOnly: false }));
  const refused = [
    grow('unknown', 2),
    grow('existing', 1),
    grow('created-0', 1),
    grow('created-1', 3),
    grow('created-2', 5, [[1]]),
    grow('created-3', 4, [[9]]),
    grow('created-4', 3, [[1, 1]]),
    grow('created-5', 5, [[1], [1, 1]]),
  ];
  return [
    ask('add partitions', createPartitions, (version) => ({
      topics: [grow(`created-${version}`, 3), grow(`assigned-${version}`, 5, [[1], [1]])],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    })),
    ask('validate partitions only', createPartitions, () => ({
      topics: [grow('created-6', 9)],
      timeoutMs: TIMEOUT_MS,
      validateOnly: true,
    })),
    ask('add partitions that are refused', createPartitions, () => ({
      topics: refused,
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    })),
    alone('add a negative number of partitions', grow('created-0', -1)),
    alone('add partitions to a topic without a name', grow('', 3)),
    alone('add partitions without replicas', grow('created-5', 3, [[]])),
    ask('add partitions to a topic twice in a request', createPartitions, () => ({
      topics: [grow('created-6', 9), grow('created-6', 8)],
      timeoutMs: TIMEOUT_MS,
      validateOnly: false,
    })),
    ask(
      'metadata of topics that grew',
      metadata,
      () => ({
        topics: ['created-0', 'assigned-0', 'created-6'].map((name) => ({ name })),
      }),
      {
        versions: [12],
        until: ({ topics }) => topics.some(({ name, partitions }) => name === 'assigned-0' && partitions.length === 5),
      },
    ),
  ];
}

function deletionSteps(): Step[] {
  const ids = new Map<string, string>();
  const names = ['created-0', 'created-1', 'created-2', 'created-3', 'created-4', 'created-5', 'created-6'];
  const zero = 'AAAAAAAAAAAAAAAAAAAAAA';
  const byName =
    (...topics: string[]) =>
    (version: number) => ({
      timeoutMs: TIMEOUT_MS,
      ...(version >= 6 ? { topics: topics.map((name) => ({ name, topicId: zero })) } : { topicNames: topics }),
    });
  const byId =
    (...topics: string[]) =>
    () => ({
      timeoutMs: TIMEOUT_MS,
      topics: topics.map((name) => ({ name: null, topicId: ids.get(name) ?? 'AAAAAAAAQACAAAAAAAAAAQ' })),
    });
  return [
    ask('ids of topics', metadata, () => ({ topics: null }), {
      versions: [12],
      onAnswer: ({ topics }) => {
        for (const { name, topicId } of topics) if (name !== null) ids.set(name, topicId);
      },
    }),
    ask(
      'metadata by topic id',
      metadata,
      () => ({
        topics: ['existing', 'created-0', 'nobody'].map((name) => ({
          name: null,
          topicId: ids.get(name) ?? 'AAAAAAAAQACAAAAAAAAAAQ',
        })),
        allowAutoTopicCreation: false,
      }),
      { versions: [12] },
    ),
    ask('delete topics', deleteTopics, (version) => byName(`created-${version}`, 'unknown', 'no/name')(version)),
    ask('delete a topic twice in a request', deleteTopics, byName('existing', 'existing')),
    ask('delete topics by id', deleteTopics, byId('created-7', 'nobody'), { versions: [6] }),
    ask(
      'delete a topic by id and by name',
      deleteTopics,
      () => ({
        timeoutMs: TIMEOUT_MS,
        topics: [
          { name: 'existing', topicId: zero },
          { name: null, topicId: ids.get('existing') ?? '' },
          { name: 'existing', topicId: ids.get('existing') ?? '' },
          { name: null, topicId: zero },
        ],
      }),
      { versions: [6] },
    ),
    ask('delete no topics', deleteTopics, byName()),
    ask(
      'metadata of topics that were deleted',
      metadata,
      () => ({
        topics: names.map((name) => ({ name })),
        allowAutoTopicCreation: false,
      }),
      {
        versions: [12],
        until: ({ topics }) => topics.every(({ errorCode }) => errorCode === 3),
      },
    ),
  ];
}
