// What the rest of the broker may use of the group coordinator.

export * from './group-config.ts';
export * from './group-coordinator.ts';
export { OFFSETS_TOPIC, partitionForKey } from './group-partition.ts';
export type {
  GroupDescription,
  GroupOverview,
  JoinGroupResult,
  LeaveGroupResult,
  SyncGroupResult,
} from './group-results.ts';
export type { MemberOfGeneration } from './membership.ts';
export type { OffsetAndMetadata, OffsetsByPartition } from './offset-cache.ts';
export type { FetchedOffset, FetchedOffsets, PartitionErrors } from './offset-results.ts';
export type { Rebalance, RebalanceEvent } from './rebalance-timeline.ts';
