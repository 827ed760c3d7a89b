// Replicas, log directories, elections, reassignments; and the requests that brokers send to the controller.

import {
  allocateProducerIds,
  alterPartition,
  alterPartitionReassignments,
  alterReplicaLogDirs,
  describeLogDirs,
  electLeaders,
  envelope,
  listPartitionReassignments,
  produce,
  updateFeatures,
} from '@ottla/protocol';
import { batchOf } from '../batches.ts';
import { ask, type Step, since } from '../step.ts';
import { produceRequest } from './produce.ts';
import { createSteps } from './topics.ts';

const TIMEOUT_MS = 10_000;

export function replicaSteps({ logDir }: { logDir: string }): Step[] {
  return [
    ...createSteps('create topics with replicas', [{ name: 'placed', numPartitions: 2 }]),
    ask('fill the topic with replicas', produce, () => produceRequest('placed', batchOf(['a', 'b'])), {
      versions: [9],
    }),
    ...logDirSteps(logDir),
    ...electionSteps(),
    ...reassignmentSteps(),
    ...controllerSteps(),
  ];
}

function logDirSteps(logDir: string): Step[] {
  const look = (name: string, topics: readonly (readonly [string, readonly number[]])[]) =>
    ask(name, describeLogDirs, () => ({
      topics: topics.map(([topic, partitions]) => ({ topic, partitions: [...partitions] })),
    }));
  const move = (name: string, path: string, topic: string, partitions: readonly number[]) =>
    ask(name, alterReplicaLogDirs, () => ({
      dirs: [{ path, topics: [{ name: topic, partitions: [...partitions] }] }],
    }));
  return [
    look('describe where replicas are', [['placed', [0, 1]]]),
    look('describe where unknown replicas are', [
      ['unknown', [0]],
      ['placed', [9]],
    ]),
    look('describe where no replicas are', []),
    ask('describe the log directories', describeLogDirs, () => ({ topics: null }), { versions: [4] }),
    move('move replicas to where they are', logDir, 'placed', [0]),
    move('move replicas to nowhere', '/nowhere', 'placed', [0]),
    move('move unknown replicas', logDir, 'unknown', [0]),
    move('move replicas to a relative path', 'somewhere', 'placed', [0]),
    ask('move no replicas', alterReplicaLogDirs, () => ({ dirs: [] })),
  ];
}

function electionSteps(): Step[] {
  const elect = (
    name: string,
    electionType: number,
    topics: readonly (readonly [string, readonly number[]])[] | null,
  ) =>
    ask(name, electLeaders, (version) => ({
      ...since(version, 1, { electionType }),
      topicPartitions:
        topics === null ? null : topics.map(([topic, partitions]) => ({ topic, partitions: [...partitions] })),
      timeoutMs: TIMEOUT_MS,
    }));
  return [
    elect('elect preferred leaders', 0, [['placed', [0, 1]]]),
    elect('elect unclean leaders', 1, [['placed', [0]]]),
    elect('elect leaders of unknown partitions', 0, [
      ['unknown', [0]],
      ['placed', [9]],
    ]),
    elect('elect leaders of all partitions', 0, null),
    elect('elect leaders of nothing', 0, []),
    elect('elect leaders in an unknown way', 9, [['placed', [0]]]),
  ];
}

function reassignmentSteps(): Step[] {
  const reassign = (name: string, topics: readonly (readonly [string, number, readonly number[] | null])[]) =>
    ask(name, alterPartitionReassignments, () => ({
      timeoutMs: TIMEOUT_MS,
      topics: topics.map(([topic, partitionIndex, replicas]) => ({
        name: topic,
        partitions: [{ partitionIndex, replicas: replicas && [...replicas] }],
      })),
    }));
  const list = (name: string, topics: readonly (readonly [string, readonly number[]])[] | null) =>
    ask(name, listPartitionReassignments, () => ({
      timeoutMs: TIMEOUT_MS,
      topics:
        topics === null
          ? null
          : topics.map(([topic, partitionIndexes]) => ({ name: topic, partitionIndexes: [...partitionIndexes] })),
    }));
  return [
    list('list reassignments', null),
    list('list reassignments of some partitions', [
      ['placed', [0, 9]],
      ['unknown', [0]],
    ]),
    reassign('reassign to the same broker', [['placed', 0, [1]]]),
    reassign('reassign to an unknown broker', [['placed', 0, [9]]]),
    reassign('reassign to one broker twice', [['placed', 0, [1, 1]]]),
    reassign('reassign to a negative broker', [['placed', 0, [-1]]]),
    reassign('reassign to no broker', [['placed', 0, []]]),
    reassign('reassign unknown partitions', [
      ['unknown', 0, [1]],
      ['placed', 9, [1]],
    ]),
    reassign('cancel what is not being reassigned', [
      ['placed', 0, null],
      ['unknown', 0, null],
    ]),
    reassign('reassign nothing', []),
  ];
}

function controllerSteps(): Step[] {
  return [
    ask('alter an in-sync set with a broker epoch of before', alterPartition, () => ({
      brokerId: 1,
      brokerEpoch: -5n,
      topics: [],
    })),
    ask('alter an in-sync set as an unknown broker', alterPartition, () => ({
      brokerId: 99,
      brokerEpoch: 0n,
      topics: [],
    })),
    ask('allocate producer ids with a broker epoch of before', allocateProducerIds, () => ({
      brokerId: 1,
      brokerEpoch: -5n,
    })),
    ask('allocate producer ids as an unknown broker', allocateProducerIds, () => ({ brokerId: 99, brokerEpoch: 0n })),
    ask('update a feature nobody knows', updateFeatures, (version) => ({
      timeoutMs: TIMEOUT_MS,
      featureUpdates: [
        {
          feature: 'no.such.feature',
          maxVersionLevel: 1,
          ...(version === 0 ? { allowDowngrade: false } : { upgradeType: 1 }),
        },
      ],
    })),
    ask('update no features', updateFeatures, () => ({ timeoutMs: TIMEOUT_MS, featureUpdates: [] })),
    ask('send an envelope to a broker', envelope, () => ({
      requestData: Buffer.from('x'),
      requestPrincipal: Buffer.from('y'),
      clientHostAddress: Buffer.from([127, 0, 0, 1]),
    })),
  ];
}
