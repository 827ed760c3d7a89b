// Which versions of which API each release of Kafka serves. A row: key, name, the range in 1.0, 1.1, 2.5, 3.9 and 4.2 (null: it does
// not have the API), and whether a broker of 3.9 in ZooKeeper mode serves it. Source: ApiVersions responses of released brokers.

/** The releases whose levels are known. */
export const API_RELEASES = ['1.0', '1.1', '2.5', '3.9', '4.2'] as const;

export type ApiRelease = (typeof API_RELEASES)[number];

/** [lowest, highest], both ends. */
export type ApiVersionRange = readonly [number, number];

export interface ApiLevel {
  readonly apiKey: number;
  readonly name: string;
  /** null: the release does not have the API. */
  readonly versions: Readonly<Record<ApiRelease, ApiVersionRange | null>>;
  /** Does a broker of Kafka 3.9 in ZooKeeper mode serve it? */
  readonly servedByZooKeeperModeBroker: boolean;
}

// biome-ignore format: a table, one API a row
const LEVELS: readonly ApiLevel[] = [
  level(0, 'Produce', [0, 5], [0, 5], [0, 8], [0, 11], [3, 13], true),
  level(1, 'Fetch', [0, 6], [0, 7], [0, 11], [0, 17], [4, 18], true),
  level(2, 'ListOffsets', [0, 2], [0, 2], [0, 5], [0, 9], [1, 11], true),
  level(3, 'Metadata', [0, 5], [0, 5], [0, 9], [0, 12], [0, 13], true),
  level(4, 'LeaderAndIsr', [0, 1], [0, 1], [0, 4], [0, 7], null, true),
  level(5, 'StopReplica', [0, 0], [0, 0], [0, 2], [0, 4], null, true),
  level(6, 'UpdateMetadata', [0, 4], [0, 4], [0, 6], [0, 8], null, true),
  level(7, 'ControlledShutdown', [0, 1], [0, 1], [0, 3], [0, 3], null, true),
  level(8, 'OffsetCommit', [0, 3], [0, 3], [0, 8], [0, 9], [2, 10], true),
  level(9, 'OffsetFetch', [0, 3], [0, 3], [0, 7], [0, 9], [1, 10], true),
  level(10, 'FindCoordinator', [0, 1], [0, 1], [0, 3], [0, 6], [0, 6], true),
  level(11, 'JoinGroup', [0, 2], [0, 2], [0, 7], [0, 9], [0, 9], true),
  level(12, 'Heartbeat', [0, 1], [0, 1], [0, 4], [0, 4], [0, 4], true),
  level(13, 'LeaveGroup', [0, 1], [0, 1], [0, 4], [0, 5], [0, 5], true),
  level(14, 'SyncGroup', [0, 1], [0, 1], [0, 5], [0, 5], [0, 5], true),
  level(15, 'DescribeGroups', [0, 1], [0, 1], [0, 5], [0, 5], [0, 6], true),
  level(16, 'ListGroups', [0, 1], [0, 1], [0, 3], [0, 5], [0, 5], true),
  level(17, 'SaslHandshake', [0, 1], [0, 1], [0, 1], [0, 1], [0, 1], true),
  level(18, 'ApiVersions', [0, 1], [0, 1], [0, 3], [0, 4], [0, 4], true),
  level(19, 'CreateTopics', [0, 2], [0, 2], [0, 5], [0, 7], [2, 7], true),
  level(20, 'DeleteTopics', [0, 1], [0, 1], [0, 4], [0, 6], [1, 6], true),
  level(21, 'DeleteRecords', [0, 0], [0, 0], [0, 1], [0, 2], [0, 2], true),
  level(22, 'InitProducerId', [0, 0], [0, 0], [0, 3], [0, 5], [0, 6], true),
  level(23, 'OffsetForLeaderEpoch', [0, 0], [0, 0], [0, 3], [0, 4], [2, 4], true),
  level(24, 'AddPartitionsToTxn', [0, 0], [0, 0], [0, 1], [0, 5], [0, 5], true),
  level(25, 'AddOffsetsToTxn', [0, 0], [0, 0], [0, 1], [0, 4], [0, 4], true),
  level(26, 'EndTxn', [0, 0], [0, 0], [0, 1], [0, 4], [0, 5], true),
  level(27, 'WriteTxnMarkers', [0, 0], [0, 0], [0, 0], [0, 1], [1, 2], true),
  level(28, 'TxnOffsetCommit', [0, 0], [0, 0], [0, 3], [0, 4], [0, 5], true),
  level(29, 'DescribeAcls', [0, 0], [0, 0], [0, 2], [0, 3], [1, 3], true),
  level(30, 'CreateAcls', [0, 0], [0, 0], [0, 2], [0, 3], [1, 3], true),
  level(31, 'DeleteAcls', [0, 0], [0, 0], [0, 2], [0, 3], [1, 3], true),
  level(32, 'DescribeConfigs', [0, 0], [0, 1], [0, 2], [0, 4], [1, 4], true),
  level(33, 'AlterConfigs', [0, 0], [0, 0], [0, 1], [0, 2], [0, 2], true),
  level(34, 'AlterReplicaLogDirs', [0, 0], [0, 0], [0, 1], [0, 2], [1, 2], true),
  level(35, 'DescribeLogDirs', [0, 0], [0, 0], [0, 1], [0, 4], [1, 4], true),
  level(36, 'SaslAuthenticate', [0, 0], [0, 0], [0, 2], [0, 2], [0, 2], true),
  level(37, 'CreatePartitions', [0, 0], [0, 0], [0, 2], [0, 3], [0, 3], true),
  level(38, 'CreateDelegationToken', null, [0, 0], [0, 2], [0, 3], [1, 3], true),
  level(39, 'RenewDelegationToken', null, [0, 0], [0, 2], [0, 2], [1, 2], true),
  level(40, 'ExpireDelegationToken', null, [0, 0], [0, 2], [0, 2], [1, 2], true),
  level(41, 'DescribeDelegationToken', null, [0, 0], [0, 2], [0, 3], [1, 3], true),
  level(42, 'DeleteGroups', null, [0, 0], [0, 2], [0, 2], [0, 2], true),
  level(43, 'ElectLeaders', null, null, [0, 2], [0, 2], [0, 2], true),
  level(44, 'IncrementalAlterConfigs', null, null, [0, 1], [0, 1], [0, 1], true),
  level(45, 'AlterPartitionReassignments', null, null, [0, 0], [0, 0], [0, 1], true),
  level(46, 'ListPartitionReassignments', null, null, [0, 0], [0, 0], [0, 0], true),
  level(47, 'OffsetDelete', null, null, [0, 0], [0, 0], [0, 0], true),
  level(48, 'DescribeClientQuotas', null, null, null, [0, 1], [0, 1], true),
  level(49, 'AlterClientQuotas', null, null, null, [0, 1], [0, 1], true),
  level(50, 'DescribeUserScramCredentials', null, null, null, [0, 0], [0, 0], true),
  level(51, 'AlterUserScramCredentials', null, null, null, [0, 0], [0, 0], true),
  level(52, 'Vote', null, null, null, [0, 1], [0, 2]),
  level(53, 'BeginQuorumEpoch', null, null, null, [0, 1], [0, 1]),
  level(54, 'EndQuorumEpoch', null, null, null, [0, 1], [0, 1]),
  level(55, 'DescribeQuorum', null, null, null, [0, 2], [0, 2]),
  level(56, 'AlterPartition', null, null, null, [0, 3], [2, 3], true),
  level(57, 'UpdateFeatures', null, null, null, [0, 1], [0, 2], true),
  level(58, 'Envelope', null, null, null, [0, 0], [0, 0], true),
  level(59, 'FetchSnapshot', null, null, null, [0, 1], [0, 1]),
  level(60, 'DescribeCluster', null, null, null, [0, 1], [0, 2], true),
  level(61, 'DescribeProducers', null, null, null, [0, 0], [0, 0], true),
  level(62, 'BrokerRegistration', null, null, null, [0, 4], [0, 4]),
  level(63, 'BrokerHeartbeat', null, null, null, [0, 1], [0, 1]),
  level(64, 'UnregisterBroker', null, null, null, [0, 0], [0, 0]),
  level(65, 'DescribeTransactions', null, null, null, [0, 0], [0, 0], true),
  level(66, 'ListTransactions', null, null, null, [0, 1], [0, 2], true),
  level(67, 'AllocateProducerIds', null, null, null, [0, 0], [0, 0], true),
  level(68, 'ConsumerGroupHeartbeat', null, null, null, [0, 0], [0, 1], true),
  level(69, 'ConsumerGroupDescribe', null, null, null, [0, 0], [0, 1], true),
  level(70, 'ControllerRegistration', null, null, null, [0, 0], [0, 0]),
  level(71, 'GetTelemetrySubscriptions', null, null, null, [0, 0], [0, 0]),
  level(72, 'PushTelemetry', null, null, null, [0, 0], [0, 0]),
  level(73, 'AssignReplicasToDirs', null, null, null, [0, 0], [0, 0]),
  level(74, 'ListConfigResources', null, null, null, [0, 0], [0, 1]),
  level(75, 'DescribeTopicPartitions', null, null, null, [0, 0], [0, 0]),
  level(76, 'ShareGroupHeartbeat', null, null, null, [0, 0], [1, 1]),
  level(77, 'ShareGroupDescribe', null, null, null, [0, 0], [1, 1]),
  level(78, 'ShareFetch', null, null, null, [0, 0], [1, 2]),
  level(79, 'ShareAcknowledge', null, null, null, [0, 0], [1, 2]),
  level(80, 'AddRaftVoter', null, null, null, [0, 0], [0, 1]),
  level(81, 'RemoveRaftVoter', null, null, null, [0, 0], [0, 0]),
  level(82, 'UpdateRaftVoter', null, null, null, [0, 0], [0, 0]),
  level(83, 'InitializeShareGroupState', null, null, null, [0, 0], [0, 0]),
  level(84, 'ReadShareGroupState', null, null, null, [0, 0], [0, 0]),
  level(85, 'WriteShareGroupState', null, null, null, [0, 0], [0, 1]),
  level(86, 'DeleteShareGroupState', null, null, null, [0, 0], [0, 0]),
  level(87, 'ReadShareGroupStateSummary', null, null, null, [0, 0], [0, 1]),
  level(88, 'StreamsGroupHeartbeat', null, null, null, null, [0, 0]),
  level(89, 'StreamsGroupDescribe', null, null, null, null, [0, 0]),
  level(90, 'DescribeShareGroupOffsets', null, null, null, null, [0, 1]),
  level(91, 'AlterShareGroupOffsets', null, null, null, null, [0, 0]),
  level(92, 'DeleteShareGroupOffsets', null, null, null, null, [0, 0]),
];

/** API key → what each release serves. */
export const apiLevels: ReadonlyMap<number, ApiLevel> = new Map(LEVELS.map((row) => [row.apiKey, row]));

type Range = ApiVersionRange | null;

function level(
  apiKey: number,
  name: string,
  v10: Range,
  v11: Range,
  v25: Range,
  v39: Range,
  v42: Range,
  served = false,
): ApiLevel {
  const versions = { '1.0': v10, '1.1': v11, '2.5': v25, '3.9': v39, '4.2': v42 };
  return { apiKey, name, versions, servedByZooKeeperModeBroker: served };
}
