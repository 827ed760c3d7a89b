// States of partitions and replicas in the controller, and from where each may be reached.
// Source: kafka.controller.{PartitionState, ReplicaState}.

/** NonExistent: never created, or deleted. New: has replicas but no leader yet. */
export type PartitionState = 'NonExistentPartition' | 'NewPartition' | 'OnlinePartition' | 'OfflinePartition';

export type ReplicaState =
  | 'NewReplica'
  | 'OnlineReplica'
  | 'OfflineReplica'
  | 'ReplicaDeletionStarted'
  | 'ReplicaDeletionSuccessful'
  | 'ReplicaDeletionIneligible'
  | 'NonExistentReplica';

export const VALID_PREVIOUS_PARTITION_STATES: Readonly<Record<PartitionState, readonly PartitionState[]>> = {
  NonExistentPartition: ['OfflinePartition'],
  NewPartition: ['NonExistentPartition'],
  OnlinePartition: ['NewPartition', 'OnlinePartition', 'OfflinePartition'],
  OfflinePartition: ['NewPartition', 'OnlinePartition', 'OfflinePartition'],
};

export const VALID_PREVIOUS_REPLICA_STATES: Readonly<Record<ReplicaState, readonly ReplicaState[]>> = {
  NewReplica: ['NonExistentReplica'],
  OnlineReplica: ['NewReplica', 'OnlineReplica', 'OfflineReplica', 'ReplicaDeletionIneligible'],
  OfflineReplica: ['NewReplica', 'OnlineReplica', 'OfflineReplica', 'ReplicaDeletionIneligible'],
  ReplicaDeletionStarted: ['OfflineReplica'],
  ReplicaDeletionSuccessful: ['ReplicaDeletionStarted'],
  ReplicaDeletionIneligible: ['OfflineReplica', 'ReplicaDeletionStarted'],
  NonExistentReplica: ['ReplicaDeletionSuccessful'],
};

/** A partition or replica cannot go where it should: no leader can be elected, the tree says otherwise … */
export class StateChangeFailedError extends Error {
  override readonly name = 'StateChangeFailedError';
}

/** A change of states broke off after it may have written to the tree: brokers must be told anew, by a new controller. */
export class StateChangeAbandonedError extends Error {
  override readonly name = 'StateChangeAbandonedError';
}
