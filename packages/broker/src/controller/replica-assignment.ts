// Arithmetic of replica lists while a partition is moved. `replicas` are the target ones, in their order, then those that go.
// Source: kafka.controller.ReplicaAssignment, KIP-455.

import type { ReplicaAssignment } from '@ottla/coordination';

export const NO_ASSIGNMENT: ReplicaAssignment = { replicas: [], addingReplicas: [], removingReplicas: [] };

export function assignmentOf(replicas: readonly number[]): ReplicaAssignment {
  return { replicas, addingReplicas: [], removingReplicas: [] };
}

export function isBeingReassigned(assignment: ReplicaAssignment): boolean {
  return assignment.addingReplicas.length > 0 || assignment.removingReplicas.length > 0;
}

/** Who held the partition before. */
export function originReplicas({ replicas, addingReplicas }: ReplicaAssignment): number[] {
  return replicas.filter((replica) => !addingReplicas.includes(replica));
}

/** Who will hold it. */
export function targetReplicas({ replicas, removingReplicas }: ReplicaAssignment): number[] {
  return replicas.filter((replica) => !removingReplicas.includes(replica));
}

/** From whoever holds the partition (or held it, when it is being moved) to `target`.
 *  (1,2,3) to (3,4) → replicas (3,4,1,2), adding (4), removing (1,2) */
export function reassignTo(assignment: ReplicaAssignment, target: readonly number[]): ReplicaAssignment {
  const origin = originReplicas(assignment);
  return {
    replicas: [...new Set([...target, ...origin])],
    addingReplicas: target.filter((replica) => !origin.includes(replica)),
    removingReplicas: origin.filter((replica) => !target.includes(replica)),
  };
}

export function removeReplica(assignment: ReplicaAssignment, replica: number): ReplicaAssignment {
  const others = (replicas: readonly number[]) => replicas.filter((other) => other !== replica);
  return {
    replicas: others(assignment.replicas),
    addingReplicas: others(assignment.addingReplicas),
    removingReplicas: others(assignment.removingReplicas),
  };
}

export function isSameAssignment(a: ReplicaAssignment, b: ReplicaAssignment): boolean {
  return (
    isSameList(a.replicas, b.replicas) &&
    isSameList(a.addingReplicas, b.addingReplicas) &&
    isSameList(a.removingReplicas, b.removingReplicas)
  );
}

export function isSameList(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
