// Who leads a partition next: pure choices from the assignment, the in-sync replicas and who is alive.
// Source: kafka.controller.{Election, PartitionLeaderElectionAlgorithms}, KIP-704 (recovery state).

import type { TopicPartition } from '@ottla/base';
import type { LeaderAndIsr } from '@ottla/coordination';
import type { ControllerContext } from './controller-context.ts';
import { targetReplicas } from './replica-assignment.ts';

/** offline: the leader is gone or there was none; an unclean leader may lose acknowledged records. reassign: it leaves the assignment.
 *  preferred: back to the first replica. controlledShutdown: its broker is about to go. */
export type PartitionLeaderElectionStrategy =
  | { readonly type: 'offline'; readonly allowUnclean: boolean }
  | { readonly type: 'reassign' }
  | { readonly type: 'preferred' }
  | { readonly type: 'controlledShutdown' };

export interface ElectionResult {
  readonly tp: TopicPartition;
  /** undefined: nobody may lead. */
  readonly leaderAndIsr: LeaderAndIsr | undefined;
  /** Who is told. */
  readonly recipients: readonly number[];
}

/** Everything that changes with a new leader. The partition epoch stays: the write compares it. */
export function newLeaderAndIsr(former: LeaderAndIsr, leader: number, isr: readonly number[]): LeaderAndIsr {
  return { ...former, leader, isr, leaderEpoch: former.leaderEpoch + 1 };
}

/** @param isUncleanAllowed only for the offline strategy */
export function electLeader(
  context: ControllerContext,
  strategy: PartitionLeaderElectionStrategy,
  tp: TopicPartition,
  former: LeaderAndIsr,
  isUncleanAllowed: boolean,
): ElectionResult {
  switch (strategy.type) {
    case 'offline':
      return leaderForOffline(context, tp, former, isUncleanAllowed);
    case 'reassign':
      return leaderForReassign(context, tp, former);
    case 'preferred':
      return leaderForPreferredReplica(context, tp, former);
    case 'controlledShutdown':
      return leaderForControlledShutdown(context, tp, former);
    default:
      return strategy satisfies never;
  }
}

/** The first live in-sync replica; else, where data loss is accepted, the first live one, which then recovers. */
function leaderForOffline(
  context: ControllerContext,
  tp: TopicPartition,
  former: LeaderAndIsr,
  isUncleanAllowed: boolean,
): ElectionResult {
  const isOnline = (replica: number) => context.isReplicaOnline(replica, tp);
  const recipients = context.partitionReplicaAssignment(tp).filter(isOnline);
  const clean = recipients.find((replica) => former.isr.includes(replica));
  if (clean !== undefined) {
    return { tp, leaderAndIsr: newLeaderAndIsr(former, clean, former.isr.filter(isOnline)), recipients };
  }
  const [unclean] = recipients;
  if (!isUncleanAllowed || unclean === undefined) return { tp, leaderAndIsr: undefined, recipients };
  return { tp, leaderAndIsr: { ...newLeaderAndIsr(former, unclean, [unclean]), leaderRecoveryState: 1 }, recipients };
}

function leaderForReassign(context: ControllerContext, tp: TopicPartition, former: LeaderAndIsr): ElectionResult {
  const recipients = targetReplicas(context.partitionFullReplicaAssignment(tp));
  const leader = recipients.find((replica) => isLiveAndInSync(context, tp, former, replica));
  return { tp, leaderAndIsr: withLeader(former, leader), recipients };
}

function leaderForPreferredReplica(
  context: ControllerContext,
  tp: TopicPartition,
  former: LeaderAndIsr,
): ElectionResult {
  const recipients = context.partitionReplicaAssignment(tp);
  return { tp, leaderAndIsr: withLeader(former, preferredLeader(context, tp, former)), recipients };
}

/** The first assigned replica, if it could lead now. */
export function preferredLeader(
  context: ControllerContext,
  tp: TopicPartition,
  former: LeaderAndIsr,
): number | undefined {
  const [preferred] = context.partitionReplicaAssignment(tp);
  return preferred !== undefined && isLiveAndInSync(context, tp, former, preferred) ? preferred : undefined;
}

function leaderForControlledShutdown(
  context: ControllerContext,
  tp: TopicPartition,
  former: LeaderAndIsr,
): ElectionResult {
  const recipients = context.partitionReplicaAssignment(tp).filter((id) => context.isReplicaOnline(id, tp, true));
  const isStaying = (replica: number) => !context.shuttingDownBrokerIds.has(replica);
  const leader = recipients.find((replica) => former.isr.includes(replica) && isStaying(replica));
  if (leader === undefined) return { tp, leaderAndIsr: undefined, recipients };
  return { tp, leaderAndIsr: newLeaderAndIsr(former, leader, former.isr.filter(isStaying)), recipients };
}

function isLiveAndInSync(
  context: ControllerContext,
  tp: TopicPartition,
  former: LeaderAndIsr,
  replica: number,
): boolean {
  return former.isr.includes(replica) && context.isReplicaOnline(replica, tp);
}

function withLeader(former: LeaderAndIsr, leader: number | undefined): LeaderAndIsr | undefined {
  return leader === undefined ? undefined : newLeaderAndIsr(former, leader, former.isr);
}
