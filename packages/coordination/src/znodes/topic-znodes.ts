// /brokers/topics and below, and what the topic commands leave under /admin. Source: kafka.zk.{TopicZNode, TopicPartitionStateZNode,
// ReassignPartitionsZNode, PreferredReplicaElectionZNode …} (ZkData), KIP-455 (adding and removing replicas), KIP-516 (topic ids).

import type { TopicPartition, Uuid } from '@ottla/base';
import {
  asArray,
  asInt,
  asIntArray,
  asObject,
  asString,
  decodeJsonObject,
  encodeJson,
  inScalaMapOrder,
  type JsonObject,
  type JsonValue,
  ZnodeFormatError,
} from './json.ts';

/** Who holds a partition, the preferred leader first. While it is being moved, `replicas` are the old and the new ones together. */
export interface ReplicaAssignment {
  readonly replicas: readonly number[];
  readonly addingReplicas: readonly number[];
  readonly removingReplicas: readonly number[];
}

export interface TopicIdReplicaAssignment {
  readonly topic: string;
  /** Absent in znodes of brokers before 2.8. */
  readonly topicId: Uuid | undefined;
  /** By partition. */
  readonly assignment: ReadonlyMap<number, ReplicaAssignment>;
}

/** 0: RECOVERED, 1: RECOVERING from an unclean election (KIP-704). */
export type LeaderRecoveryState = 0 | 1;

/** `LeaderAndIsr.leader` of a partition without one. */
export const NO_LEADER = -1;
/** `LeaderAndIsr.leader` of a partition whose topic is being deleted. */
export const LEADER_DURING_DELETE = -2;

export interface LeaderAndIsr {
  /** Broker id, or NO_LEADER, LEADER_DURING_DELETE. */
  readonly leader: number;
  /** Grows with each election. */
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
  readonly leaderRecoveryState: LeaderRecoveryState;
  /** Version of the znode it was read from or written to; not part of the JSON. */
  readonly partitionEpoch: number;
}

export interface LeaderIsrAndControllerEpoch {
  readonly leaderAndIsr: LeaderAndIsr;
  readonly controllerEpoch: number;
}

export const TopicsZNode = { path: '/brokers/topics' } as const;

export const TopicZNode = {
  path: (topic: string): string => `${TopicsZNode.path}/${topic}`,

  /** Version 3. */
  encode({ topicId, assignment }: Omit<TopicIdReplicaAssignment, 'topic'>): Buffer {
    const fields: (readonly [string, JsonValue])[] = [
      ['partitions', replicasToJson(assignment, (partition) => partition.replicas, true)],
      ...(topicId === undefined ? [] : [['topic_id', topicId] as const]),
      ['adding_replicas', replicasToJson(assignment, (partition) => partition.addingReplicas, false)],
      ['removing_replicas', replicasToJson(assignment, (partition) => partition.removingReplicas, false)],
      ['version', 3],
    ];
    return encodeJson(new Map(fields));
  },

  /** Reads versions 1 to 3. @throws ZnodeFormatError */
  decode(topic: string, data: Buffer | null): TopicIdReplicaAssignment {
    const json = decodeJsonObject(data, `topic ${topic}`);
    const adding = replicasFrom(json.get('adding_replicas'), topic);
    const removing = replicasFrom(json.get('removing_replicas'), topic);
    const assignment = new Map<number, ReplicaAssignment>();
    for (const [partition, replicas] of replicasFrom(json.get('partitions'), topic)) {
      const addingReplicas = adding.get(partition) ?? [];
      assignment.set(partition, { replicas, addingReplicas, removingReplicas: removing.get(partition) ?? [] });
    }
    const topicId = json.get('topic_id');
    return { topic, topicId: typeof topicId === 'string' ? topicId : undefined, assignment };
  },
};

function replicasToJson(
  assignment: ReadonlyMap<number, ReplicaAssignment>,
  replicasOf: (partition: ReplicaAssignment) => readonly number[],
  isEmptyKept: boolean,
): JsonValue {
  const entries: [string, readonly number[]][] = [];
  for (const [partition, value] of assignment) {
    const replicas = replicasOf(value);
    if (isEmptyKept || replicas.length > 0) entries.push([String(partition), replicas]);
  }
  return inScalaMapOrder(entries);
}

function replicasFrom(json: unknown, topic: string): ReadonlyMap<number, number[]> {
  if (json === undefined || json === null) return new Map();
  const what = `replicas of topic ${topic}`;
  return new Map(
    [...asObject(json, what)].map(([partition, ids]) => [partitionFrom(partition, what), asIntArray(ids, what)]),
  );
}

function partitionFrom(text: string, what: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new ZnodeFormatError(`${what}: bad partition`);
  return Number(text);
}

export const TopicPartitionsZNode = { path: (topic: string): string => `${TopicZNode.path(topic)}/partitions` };

export const TopicPartitionZNode = {
  path: (tp: TopicPartition): string => `${TopicPartitionsZNode.path(tp.topic)}/${tp.partition}`,
};

export const TopicPartitionStateZNode = {
  path: (tp: TopicPartition): string => `${TopicPartitionZNode.path(tp)}/state`,

  encode({ leaderAndIsr, controllerEpoch }: LeaderIsrAndControllerEpoch): Buffer {
    const { leader, leaderEpoch, isr, leaderRecoveryState } = leaderAndIsr;
    const fields: (readonly [string, JsonValue])[] = [
      ['controller_epoch', controllerEpoch],
      ['leader', leader],
      ['version', 1],
      ...(leaderRecoveryState === 0 ? [] : [['leader_recovery_state', leaderRecoveryState] as const]),
      ['leader_epoch', leaderEpoch],
      ['isr', isr],
    ];
    return encodeJson(new Map(fields));
  },

  /** @param zkVersion of the znode @throws ZnodeFormatError */
  decode(data: Buffer | null, zkVersion: number): LeaderIsrAndControllerEpoch {
    const what = 'partition state';
    const json = decodeJsonObject(data, what);
    const leaderAndIsr: LeaderAndIsr = {
      leader: asInt(json.get('leader'), what),
      leaderEpoch: asInt(json.get('leader_epoch'), what),
      isr: asIntArray(json.get('isr'), what),
      leaderRecoveryState: json.get('leader_recovery_state') === 1 ? 1 : 0,
      partitionEpoch: zkVersion,
    };
    return { leaderAndIsr, controllerEpoch: asInt(json.get('controller_epoch'), what) };
  },
};

export const AdminZNode = { path: '/admin' } as const;
export const DeleteTopicsZNode = { path: '/admin/delete_topics' } as const;
export const DeleteTopicsTopicZNode = { path: (topic: string): string => `${DeleteTopicsZNode.path}/${topic}` };

/** The way tools asked for a reassignment before KIP-455. */
export const ReassignPartitionsZNode = {
  path: '/admin/reassign_partitions',

  encode(reassignment: Iterable<readonly [TopicPartition, readonly number[]]>): Buffer {
    const partitions = [...reassignment].map(
      ([tp, replicas]): JsonValue =>
        new Map<string, JsonValue>([
          ['topic', tp.topic],
          ['partition', tp.partition],
          ['replicas', replicas],
        ]),
    );
    return encodeJson(
      new Map<string, JsonValue>([
        ['version', 1],
        ['partitions', partitions],
      ]),
    );
  },

  /** @throws ZnodeFormatError */
  decode(data: Buffer | null): [TopicPartition, number[]][] {
    return partitionsFrom(decodeJsonObject(data, 'reassignment'), 'reassignment').map((json) => [
      topicPartitionFrom(json, 'reassignment'),
      asIntArray(json.get('replicas'), 'reassignment'),
    ]);
  },
};

export const PreferredReplicaElectionZNode = {
  path: '/admin/preferred_replica_election',

  encode: (partitions: Iterable<TopicPartition>): Buffer =>
    encodeJson(
      new Map<string, JsonValue>([
        ['version', 1],
        ['partitions', topicPartitionsToJson(partitions)],
      ]),
    ),

  /** @throws ZnodeFormatError */
  decode: (data: Buffer | null): TopicPartition[] => topicPartitionsFrom(data, 'preferred replica election'),
};

/** `[{"topic":"a","partition":0}]` */
export function topicPartitionsToJson(partitions: Iterable<TopicPartition>): JsonValue {
  return [...partitions].map(
    (tp) =>
      new Map<string, JsonValue>([
        ['topic', tp.topic],
        ['partition', tp.partition],
      ]),
  );
}

/** The partitions of `{"partitions":[{"topic":"a","partition":0}]}`. @throws ZnodeFormatError */
export function topicPartitionsFrom(data: Buffer | null, what: string): TopicPartition[] {
  return partitionsFrom(decodeJsonObject(data, what), what).map((json) => topicPartitionFrom(json, what));
}

function partitionsFrom(json: JsonObject, what: string): JsonObject[] {
  return asArray(json.get('partitions'), what).map((partition) => asObject(partition, what));
}

function topicPartitionFrom(json: JsonObject, what: string): TopicPartition {
  return { topic: asString(json.get('topic'), what), partition: asInt(json.get('partition'), what) };
}
