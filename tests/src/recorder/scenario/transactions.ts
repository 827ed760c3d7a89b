// Transactions: producer ids, what a transaction touches, its end, what others see of it, and what is refused.

import {
  addOffsetsToTxn,
  addPartitionsToTxn,
  describeProducers,
  describeTransactions,
  endTxn,
  fetch,
  initProducerId,
  listOffsets,
  listTransactions,
  metadata,
  offsetFetch,
  produce,
  txnOffsetCommit,
  writeTxnMarkers,
} from '@ottla/protocol';
import { batchOf } from '../batches.ts';
import { type AskOptions, ask, type Step, since, versionsBetween } from '../step.ts';
import { fetchRequest } from './fetch.ts';
import { produceRequest } from './produce.ts';
import { createSteps } from './topics.ts';

const TIMEOUT_MS = 300_000;
const UNKNOWN_PRODUCER = 555_555;

interface Producer {
  readonly transactionalId: string;
  producerId: number;
  producerEpoch: number;
}

const newProducer = (transactionalId: string): Producer => ({ transactionalId, producerId: -1, producerEpoch: -1 });

export function transactionSteps(): Step[] {
  return [
    ...createSteps('create topics for transactions', [
      { name: 'written', numPartitions: 2 },
      { name: 'aborted' },
      { name: 'marked' },
    ]),
    ...producerIdSteps(),
    ...lifeSteps(),
    ...refusedSteps(),
    ...abortedSteps(),
    ...openSteps(),
    ...markerSteps(),
  ];
}

function initialise(
  name: string,
  producer: Producer,
  options: AskOptions<{ errorCode: number; producerId?: number; producerEpoch: number }> = {},
): Step {
  return ask(
    name,
    initProducerId,
    () => ({ transactionalId: producer.transactionalId, transactionTimeoutMs: TIMEOUT_MS }),
    {
      versions: [4],
      ...options,
      onAnswer: ({ errorCode, producerId, producerEpoch }) => {
        if (errorCode === 0) Object.assign(producer, { producerId, producerEpoch });
      },
    },
  );
}

function producerIdSteps(): Step[] {
  const known = newProducer('initialised');
  const init = (name: string, transactionalId: string | null, transactionTimeoutMs = TIMEOUT_MS) =>
    ask(name, initProducerId, () => ({ transactionalId, transactionTimeoutMs }));
  const again = (name: string, change: Partial<Producer>) =>
    ask(
      name,
      initProducerId,
      () => {
        const { producerId, producerEpoch } = { ...known, ...change };
        return { transactionalId: known.transactionalId, transactionTimeoutMs: TIMEOUT_MS, producerId, producerEpoch };
      },
      { versions: [3, 4, 5] },
    );
  return [
    init('get producer ids', null),
    init('get the producer id of a transactional id, again and again', 'again'),
    init('get the producer id of a transactional id without a name', ''),
    init('get a producer id for transactions that take too long', 'too-long', 2_000_000_000),
    init('get a producer id for transactions that take no time', 'no-time', 0),
    init('get a producer id for transactions that take negative time', 'negative', -1),
    initialise('get a producer id to come back with', known),
    again('come back with the producer id', {}),
    again('come back with an epoch of the future', { producerEpoch: 50 }),
    again('come back with another producer id', { producerId: UNKNOWN_PRODUCER }),
    ask(
      'come back with an epoch and no producer id',
      initProducerId,
      () => ({ transactionalId: 'half', transactionTimeoutMs: TIMEOUT_MS, producerId: -1, producerEpoch: 3 }),
      { versions: [3, 4, 5] },
    ),
  ];
}

function addPartitions(
  version: number,
  { transactionalId, producerId, producerEpoch }: Producer,
  topics: readonly (readonly [string, readonly number[]])[],
  verifyOnly = false,
) {
  const list = topics.map(([name, partitions]) => ({ name, partitions: [...partitions] }));
  if (version >= 4) return { transactions: [{ transactionalId, producerId, producerEpoch, verifyOnly, topics: list }] };
  return {
    v3AndBelowTransactionalId: transactionalId,
    v3AndBelowProducerId: producerId,
    v3AndBelowProducerEpoch: producerEpoch,
    v3AndBelowTopics: list,
  };
}

function transactionalBatch(
  { producerId, producerEpoch }: Producer,
  baseSequence: number,
  values: readonly string[],
): Buffer {
  return batchOf(values, { producerId, producerEpoch, baseSequence, isTransactional: true });
}

function produceIn(producer: Producer, topic: string, baseSequence: number, values: readonly string[]) {
  return {
    ...produceRequest(topic, transactionalBatch(producer, baseSequence, values)),
    transactionalId: producer.transactionalId,
  };
}

function commitIn(version: number, producer: Producer, groupId: string, offset: number, topic = 'written') {
  const { transactionalId, producerId, producerEpoch } = producer;
  return {
    transactionalId,
    producerId,
    producerEpoch,
    groupId,
    topics: [
      {
        name: topic,
        partitions: [
          {
            partitionIndex: 0,
            committedOffset: offset,
            committedMetadata: `at ${version}`,
            ...since(version, 2, { committedLeaderEpoch: 0 }),
          },
        ],
      },
    ],
  };
}

function end({ transactionalId, producerId, producerEpoch }: Producer, committed: boolean) {
  return { transactionalId, producerId, producerEpoch, committed };
}

/** Describes until the transaction's markers are written. */
function describeUntil(name: string, transactionalId: string, state: string): Step {
  return ask(name, describeTransactions, () => ({ transactionalIds: [transactionalId] }), {
    until: ({ transactionStates }) => transactionStates.every(({ transactionState }) => transactionState === state),
  });
}

/** A transaction in each version: partitions, offsets, the end. */
function lifeSteps(): Step[] {
  return versionsBetween(0, 5).flatMap((version) => {
    const producer = newProducer(`life-${version}`);
    const v4 = Math.min(version, 4);
    const committed = version % 2 === 0;
    const ended = committed ? 'CompleteCommit' : 'CompleteAbort';
    const groupId = `life-group-${version}`;
    return [
      initialise(`begin life (${version})`, producer),
      ask(`describe a transaction that is empty (${version})`, describeTransactions, () => ({
        transactionalIds: [producer.transactionalId],
      })),
      ask(`add partitions (${version})`, addPartitionsToTxn, (v) => addPartitions(v, producer, [['written', [0, 1]]]), {
        versions: [version],
      }),
      ask(
        `add partitions again (${version})`,
        addPartitionsToTxn,
        (v) => addPartitions(v, producer, [['written', [0]]]),
        { versions: [version] },
      ),
      ask(
        `produce in the transaction (${version})`,
        produce,
        () => produceIn(producer, 'written', 0, [`in ${version}`, 'b']),
        { versions: [Math.max(3, 11 - version)] },
      ),
      ask(`add offsets (${version})`, addOffsetsToTxn, () => ({ ...withoutEnd(producer), groupId }), {
        versions: [v4],
      }),
      ask(
        `commit offsets in the transaction (${version})`,
        txnOffsetCommit,
        (v) => commitIn(v, producer, groupId, 40 + version),
        { versions: [v4] },
      ),
      ask(`describe an open transaction (${version})`, describeTransactions, () => ({
        transactionalIds: [producer.transactionalId],
      })),
      ask(
        `read offsets that are not stable (${version})`,
        offsetFetch,
        () => ({ groups: [{ groupId, topics: [{ name: 'written', partitionIndexes: [0] }] }], requireStable: true }),
        { versions: [8] },
      ),
      ask(`end the transaction (${version})`, endTxn, () => end(producer, committed), { versions: [v4] }),
      describeUntil(`describe an ended transaction (${version})`, producer.transactionalId, ended),
      ask(`end the transaction again (${version})`, endTxn, () => end(producer, committed), { versions: [v4] }),
      ask(`end the transaction the other way (${version})`, endTxn, () => end(producer, !committed), {
        versions: [v4],
      }),
      ask(
        `read offsets after the end (${version})`,
        offsetFetch,
        () => ({ groups: [{ groupId, topics: [{ name: 'written', partitionIndexes: [0] }] }], requireStable: true }),
        {
          versions: [8],
          until: ({ groups }) =>
            groups.every(({ topics }) =>
              topics.every(({ partitions }) => partitions.every(({ errorCode }) => errorCode === 0)),
            ),
        },
      ),
    ];
  });
}

function withoutEnd({ transactionalId, producerId, producerEpoch }: Producer) {
  return { transactionalId, producerId, producerEpoch };
}

function refusedSteps(): Step[] {
  const producer = newProducer('refused');
  const stale = (): Producer => ({ ...producer, producerEpoch: producer.producerEpoch - 1 });
  const stranger = (): Producer => ({ ...producer, producerId: UNKNOWN_PRODUCER });
  const nobody: Producer = { transactionalId: 'nobody', producerId: 1, producerEpoch: 0 };
  const add = (
    name: string,
    who: () => Producer,
    topics: readonly (readonly [string, readonly number[]])[],
    verifyOnly = false,
  ) =>
    ask(name, addPartitionsToTxn, (version) => addPartitions(version, who(), topics, verifyOnly), {
      versions: verifyOnly ? [4, 5] : versionsBetween(0, 5),
    });
  return [
    initialise('begin to be refused', producer),
    initialise('begin to be refused, again', producer),
    add('add partitions as nobody', () => nobody, [['written', [0]]]),
    add('add partitions with an epoch of before', stale, [['written', [0]]]),
    add('add partitions with another producer id', stranger, [['written', [0]]]),
    add('add partitions that are unknown', () => producer, [
      ['unknown', [0]],
      ['written', [0, 9]],
    ]),
    add('add no partitions', () => producer, []),
    add('verify a partition that was not added', () => producer, [['written', [1]]], true),
    ask('produce without adding the partition', produce, () => produceIn(producer, 'aborted', 0, ['never']), {
      versions: [3, 11],
    }),
    ask('end a transaction that has not begun', endTxn, () => end(producer, true)),
    ask('end a transaction as nobody', endTxn, () => end(nobody, true)),
    ask('end a transaction with an epoch of before', endTxn, () => end(stale(), true)),
    ask('add offsets as nobody', addOffsetsToTxn, () => ({ ...nobody, groupId: 'refused-group' })),
    ask('add offsets with an epoch of before', addOffsetsToTxn, () => ({ ...stale(), groupId: 'refused-group' })),
    ask('add offsets to a group without a name', addOffsetsToTxn, () => ({ ...withoutEnd(producer), groupId: '' })),
    ask('commit offsets without adding them', txnOffsetCommit, (version) =>
      commitIn(version, producer, 'refused-group', 1),
    ),
    ask('commit offsets to a group without a name', txnOffsetCommit, (version) => commitIn(version, producer, '', 1)),
    ask('commit offsets for an unknown topic', txnOffsetCommit, (version) =>
      commitIn(version, producer, 'refused-group', 1, 'unknown'),
    ),
    ask(
      'commit offsets as an unknown member',
      txnOffsetCommit,
      (version) => ({ ...commitIn(version, producer, 'group-of-two', 1), memberId: 'nobody', generationId: 3 }),
      { versions: [3, 4] },
    ),
    ask('describe transactions that are unknown', describeTransactions, () => ({ transactionalIds: ['nobody', ''] })),
  ];
}

/** One aborted between two committed transactions, and what a consumer is told of them. */
function abortedSteps(): Step[] {
  const producer = newProducer('aborting');
  const transaction = (round: number, committed: boolean) => [
    ask(
      `add the partition of round ${round}`,
      addPartitionsToTxn,
      (version) => addPartitions(version, producer, [['aborted', [0]]]),
      { versions: [3] },
    ),
    ask(
      `produce in round ${round}`,
      produce,
      () => produceIn(producer, 'aborted', (round - 1) * 2, [`round ${round}`, 'b']),
      { versions: [9] },
    ),
    ask(`end round ${round}`, endTxn, () => end(producer, committed), { versions: [3] }),
    describeUntil(
      `describe round ${round} until it has ended`,
      producer.transactionalId,
      committed ? 'CompleteCommit' : 'CompleteAbort',
    ),
  ];
  const read = (name: string, isolationLevel: number, fetchOffset = 0) =>
    ask(name, fetch, (version) => fetchRequest(version, [{ topic: 'aborted', fetchOffset }], { isolationLevel }), {
      versions: versionsBetween(4, 12),
    });
  return [
    initialise('begin to abort', producer),
    ...transaction(1, true),
    ...transaction(2, false),
    ...transaction(3, true),
    read('fetch across aborted transactions', 0),
    read('fetch committed across aborted transactions', 1),
    read('fetch committed within an aborted transaction', 1, 4),
    read('fetch committed after an aborted transaction', 1, 6),
    ask('describe producers', describeProducers, () => ({
      topics: [
        { name: 'aborted', partitionIndexes: [0, 9] },
        { name: 'unknown', partitionIndexes: [0] },
        { name: 'no/name', partitionIndexes: [0] },
      ],
    })),
  ];
}

/** A transaction that stays open, as others see it; a producer that comes back aborts it. */
function openSteps(): Step[] {
  const producer = newProducer('open');
  const list = (
    name: string,
    stateFilters: readonly string[],
    producerIdFilters: readonly number[] = [],
    durationFilter = -1,
  ) =>
    ask(name, listTransactions, (version) => ({
      stateFilters: [...stateFilters],
      producerIdFilters: [...producerIdFilters],
      ...since(version, 1, { durationFilter }),
    }));
  const latest = (name: string, isolationLevel: number) =>
    ask(
      name,
      listOffsets,
      () => ({
        replicaId: -1,
        isolationLevel,
        topics: [{ name: 'aborted', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
      }),
      { versions: [2, 9] },
    );
  return [
    initialise('begin to stay open', producer),
    ask(
      'add the partition that stays open',
      addPartitionsToTxn,
      (version) => addPartitions(version, producer, [['aborted', [0]]]),
      { versions: [3] },
    ),
    ask(
      'verify the partition that stays open',
      addPartitionsToTxn,
      (version) =>
        addPartitions(
          version,
          producer,
          [
            ['aborted', [0]],
            ['written', [0]],
          ],
          true,
        ),
      { versions: [4, 5] },
    ),
    ask('produce and stay open', produce, () => produceIn(producer, 'aborted', 0, ['open']), { versions: [11] }),
    latest('list the latest offset over an open transaction', 0),
    latest('list the last stable offset before an open transaction', 1),
    ask(
      'fetch over an open transaction',
      fetch,
      (version) => fetchRequest(version, [{ topic: 'aborted', fetchOffset: 9 }]),
      { versions: [4, 11] },
    ),
    ask(
      'fetch committed before an open transaction',
      fetch,
      (version) => fetchRequest(version, [{ topic: 'aborted', fetchOffset: 9 }], { isolationLevel: 1 }),
      { versions: [4, 11] },
    ),
    ask('describe the producer of an open transaction', describeProducers, () => ({
      topics: [{ name: 'aborted', partitionIndexes: [0] }],
    })),
    list('list transactions', []),
    list('list open transactions', ['Ongoing']),
    list('list transactions of states that are none', ['Bored', 'Empty']),
    list('list transactions that take long', [], [], 1_000_000_000),
    list('list transactions of a producer nobody knows', [], [UNKNOWN_PRODUCER]),
    initialise('come back and abort what was open', producer),
    describeUntil('describe what was open', producer.transactionalId, 'Empty'),
    ask('metadata of the topic with transactions', metadata, () => ({ topics: [{ name: 'aborted' }] }), {
      versions: [9],
    }),
  ];
}

function markerSteps(): Step[] {
  const marker = (
    transactionResult: boolean,
    topics: readonly (readonly [string, readonly number[]])[],
    producerId = 888_888,
  ) => ({
    producerId,
    producerEpoch: 0,
    transactionResult,
    coordinatorEpoch: 0,
    topics: topics.map(([name, partitionIndexes]) => ({ name, partitionIndexes: [...partitionIndexes] })),
  });
  return [
    ask('write markers of a producer nobody knows', writeTxnMarkers, () => ({
      markers: [marker(true, [['marked', [0]]]), marker(false, [['marked', [0]]], 888_889)],
    })),
    ask('write markers to unknown partitions', writeTxnMarkers, () => ({
      markers: [
        marker(false, [
          ['unknown', [0]],
          ['marked', [9]],
        ]),
      ],
    })),
    ask('write no markers', writeTxnMarkers, () => ({ markers: [] })),
    ask('fetch markers', fetch, (version) => fetchRequest(version, [{ topic: 'marked' }]), { versions: [3, 4, 12] }),
  ];
}
