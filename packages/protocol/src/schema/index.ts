// Every schema, for the generator and for the tests that go by schema. Nothing else loads this.

import { produceSchema } from './00-produce.ts';
import { fetchSchema } from './01-fetch.ts';
import { listOffsetsSchema } from './02-list-offsets.ts';
import { metadataSchema } from './03-metadata.ts';
import { leaderAndIsrSchema } from './04-leader-and-isr.ts';
import { stopReplicaSchema } from './05-stop-replica.ts';
import { updateMetadataSchema } from './06-update-metadata.ts';
import { controlledShutdownSchema } from './07-controlled-shutdown.ts';
import { offsetCommitSchema } from './08-offset-commit.ts';
import { offsetFetchSchema } from './09-offset-fetch.ts';
import { findCoordinatorSchema } from './10-find-coordinator.ts';
import { joinGroupSchema } from './11-join-group.ts';
import { heartbeatSchema } from './12-heartbeat.ts';
import { leaveGroupSchema } from './13-leave-group.ts';
import { syncGroupSchema } from './14-sync-group.ts';
import { describeGroupsSchema } from './15-describe-groups.ts';
import { listGroupsSchema } from './16-list-groups.ts';
import { saslHandshakeSchema } from './17-sasl-handshake.ts';
import { apiVersionsSchema } from './18-api-versions.ts';
import { createTopicsSchema } from './19-create-topics.ts';
import { deleteTopicsSchema } from './20-delete-topics.ts';
import { deleteRecordsSchema } from './21-delete-records.ts';
import { initProducerIdSchema } from './22-init-producer-id.ts';
import { offsetForLeaderEpochSchema } from './23-offset-for-leader-epoch.ts';
import { addPartitionsToTxnSchema } from './24-add-partitions-to-txn.ts';
import { addOffsetsToTxnSchema } from './25-add-offsets-to-txn.ts';
import { endTxnSchema } from './26-end-txn.ts';
import { writeTxnMarkersSchema } from './27-write-txn-markers.ts';
import { txnOffsetCommitSchema } from './28-txn-offset-commit.ts';
import { describeAclsSchema } from './29-describe-acls.ts';
import { createAclsSchema } from './30-create-acls.ts';
import { deleteAclsSchema } from './31-delete-acls.ts';
import { describeConfigsSchema } from './32-describe-configs.ts';
import { alterConfigsSchema } from './33-alter-configs.ts';
import { alterReplicaLogDirsSchema } from './34-alter-replica-log-dirs.ts';
import { describeLogDirsSchema } from './35-describe-log-dirs.ts';
import { saslAuthenticateSchema } from './36-sasl-authenticate.ts';
import { createPartitionsSchema } from './37-create-partitions.ts';
import { createDelegationTokenSchema } from './38-create-delegation-token.ts';
import { renewDelegationTokenSchema } from './39-renew-delegation-token.ts';
import { expireDelegationTokenSchema } from './40-expire-delegation-token.ts';
import { describeDelegationTokenSchema } from './41-describe-delegation-token.ts';
import { deleteGroupsSchema } from './42-delete-groups.ts';
import { electLeadersSchema } from './43-elect-leaders.ts';
import { incrementalAlterConfigsSchema } from './44-incremental-alter-configs.ts';
import { alterPartitionReassignmentsSchema } from './45-alter-partition-reassignments.ts';
import { listPartitionReassignmentsSchema } from './46-list-partition-reassignments.ts';
import { offsetDeleteSchema } from './47-offset-delete.ts';
import { describeClientQuotasSchema } from './48-describe-client-quotas.ts';
import { alterClientQuotasSchema } from './49-alter-client-quotas.ts';
import { describeUserScramCredentialsSchema } from './50-describe-user-scram-credentials.ts';
import { alterUserScramCredentialsSchema } from './51-alter-user-scram-credentials.ts';
import { voteSchema } from './52-vote.ts';
import { beginQuorumEpochSchema } from './53-begin-quorum-epoch.ts';
import { endQuorumEpochSchema } from './54-end-quorum-epoch.ts';
import { describeQuorumSchema } from './55-describe-quorum.ts';
import { alterPartitionSchema } from './56-alter-partition.ts';
import { updateFeaturesSchema } from './57-update-features.ts';
import { envelopeSchema } from './58-envelope.ts';
import { fetchSnapshotSchema } from './59-fetch-snapshot.ts';
import { describeClusterSchema } from './60-describe-cluster.ts';
import { describeProducersSchema } from './61-describe-producers.ts';
import { brokerRegistrationSchema } from './62-broker-registration.ts';
import { brokerHeartbeatSchema } from './63-broker-heartbeat.ts';
import { unregisterBrokerSchema } from './64-unregister-broker.ts';
import { describeTransactionsSchema } from './65-describe-transactions.ts';
import { listTransactionsSchema } from './66-list-transactions.ts';
import { allocateProducerIdsSchema } from './67-allocate-producer-ids.ts';
import { consumerGroupHeartbeatSchema } from './68-consumer-group-heartbeat.ts';
import { consumerGroupDescribeSchema } from './69-consumer-group-describe.ts';
import { controllerRegistrationSchema } from './70-controller-registration.ts';
import { getTelemetrySubscriptionsSchema } from './71-get-telemetry-subscriptions.ts';
import { pushTelemetrySchema } from './72-push-telemetry.ts';
import { assignReplicasToDirsSchema } from './73-assign-replicas-to-dirs.ts';
import { listConfigResourcesSchema } from './74-list-config-resources.ts';
import { describeTopicPartitionsSchema } from './75-describe-topic-partitions.ts';
import { shareGroupHeartbeatSchema } from './76-share-group-heartbeat.ts';
import { shareGroupDescribeSchema } from './77-share-group-describe.ts';
import { shareFetchSchema } from './78-share-fetch.ts';
import { shareAcknowledgeSchema } from './79-share-acknowledge.ts';
import { addRaftVoterSchema } from './80-add-raft-voter.ts';
import { removeRaftVoterSchema } from './81-remove-raft-voter.ts';
import { updateRaftVoterSchema } from './82-update-raft-voter.ts';
import { initializeShareGroupStateSchema } from './83-initialize-share-group-state.ts';
import { readShareGroupStateSchema } from './84-read-share-group-state.ts';
import { writeShareGroupStateSchema } from './85-write-share-group-state.ts';
import { deleteShareGroupStateSchema } from './86-delete-share-group-state.ts';
import { readShareGroupStateSummarySchema } from './87-read-share-group-state-summary.ts';
import { streamsGroupHeartbeatSchema } from './88-streams-group-heartbeat.ts';
import { streamsGroupDescribeSchema } from './89-streams-group-describe.ts';
import { describeShareGroupOffsetsSchema } from './90-describe-share-group-offsets.ts';
import { alterShareGroupOffsetsSchema } from './91-alter-share-group-offsets.ts';
import { deleteShareGroupOffsetsSchema } from './92-delete-share-group-offsets.ts';
import type { ApiSchema, MessageSchema } from './dsl.ts';
import {
  readShareGroupStateSummaryResponseEarlyAccessSchema,
  shareGroupMetadataValueEarlyAccessSchema,
} from './early-access.ts';
import {
  consumerGroupCurrentMemberAssignmentKeySchema,
  consumerGroupCurrentMemberAssignmentValueSchema,
} from './records/consumer-group-current-member-assignment.ts';
import {
  consumerGroupMemberMetadataKeySchema,
  consumerGroupMemberMetadataValueSchema,
} from './records/consumer-group-member-metadata.ts';
import { consumerGroupMetadataKeySchema, consumerGroupMetadataValueSchema } from './records/consumer-group-metadata.ts';
import {
  consumerGroupPartitionMetadataKeySchema,
  consumerGroupPartitionMetadataValueSchema,
} from './records/consumer-group-partition-metadata.ts';
import {
  consumerGroupRegularExpressionKeySchema,
  consumerGroupRegularExpressionValueSchema,
} from './records/consumer-group-regular-expression.ts';
import {
  consumerGroupTargetAssignmentMemberKeySchema,
  consumerGroupTargetAssignmentMemberValueSchema,
} from './records/consumer-group-target-assignment-member.ts';
import {
  consumerGroupTargetAssignmentMetadataKeySchema,
  consumerGroupTargetAssignmentMetadataValueSchema,
} from './records/consumer-group-target-assignment-metadata.ts';
import { consumerProtocolAssignmentSchema, consumerProtocolSubscriptionSchema } from './records/consumer-protocol.ts';
import { defaultPrincipalDataSchema } from './records/default-principal-data.ts';
import { endTxnMarkerSchema } from './records/end-txn-marker.ts';
import { groupMetadataKeySchema, groupMetadataValueSchema } from './records/group-metadata.ts';
import { kRaftVersionRecordSchema } from './records/kraft-version-record.ts';
import { leaderChangeMessageSchema } from './records/leader-change-message.ts';
import { legacyOffsetCommitKeySchema, legacyOffsetCommitValueSchema } from './records/legacy-offset-commit.ts';
import { offsetCommitKeySchema, offsetCommitValueSchema } from './records/offset-commit.ts';
import {
  shareGroupCurrentMemberAssignmentKeySchema,
  shareGroupCurrentMemberAssignmentValueSchema,
} from './records/share-group-current-member-assignment.ts';
import {
  shareGroupMemberMetadataKeySchema,
  shareGroupMemberMetadataValueSchema,
} from './records/share-group-member-metadata.ts';
import { shareGroupMetadataKeySchema, shareGroupMetadataValueSchema } from './records/share-group-metadata.ts';
import {
  shareGroupPartitionMetadataKeySchema,
  shareGroupPartitionMetadataValueSchema,
} from './records/share-group-partition-metadata.ts';
import {
  shareGroupStatePartitionMetadataKeySchema,
  shareGroupStatePartitionMetadataValueSchema,
} from './records/share-group-state-partition-metadata.ts';
import {
  shareGroupTargetAssignmentMemberKeySchema,
  shareGroupTargetAssignmentMemberValueSchema,
} from './records/share-group-target-assignment-member.ts';
import {
  shareGroupTargetAssignmentMetadataKeySchema,
  shareGroupTargetAssignmentMetadataValueSchema,
} from './records/share-group-target-assignment-metadata.ts';
import { snapshotFooterRecordSchema } from './records/snapshot-footer-record.ts';
import { snapshotHeaderRecordSchema } from './records/snapshot-header-record.ts';
import {
  streamsGroupCurrentMemberAssignmentKeySchema,
  streamsGroupCurrentMemberAssignmentValueSchema,
} from './records/streams-group-current-member-assignment.ts';
import {
  streamsGroupMemberMetadataKeySchema,
  streamsGroupMemberMetadataValueSchema,
} from './records/streams-group-member-metadata.ts';
import { streamsGroupMetadataKeySchema, streamsGroupMetadataValueSchema } from './records/streams-group-metadata.ts';
import {
  streamsGroupTargetAssignmentMemberKeySchema,
  streamsGroupTargetAssignmentMemberValueSchema,
} from './records/streams-group-target-assignment-member.ts';
import {
  streamsGroupTargetAssignmentMetadataKeySchema,
  streamsGroupTargetAssignmentMetadataValueSchema,
} from './records/streams-group-target-assignment-metadata.ts';
import { streamsGroupTopologyKeySchema, streamsGroupTopologyValueSchema } from './records/streams-group-topology.ts';
import { transactionLogKeySchema, transactionLogValueSchema } from './records/transaction-log.ts';
import { votersRecordSchema } from './records/voters-record.ts';
import { requestHeaderSchema } from './request-header.ts';
import { responseHeaderSchema } from './response-header.ts';

/** File name (without folder and extension) → the API it describes, by API key. */
export const apiSchemas: ReadonlyMap<string, ApiSchema> = new Map([
  ['00-produce', produceSchema],
  ['01-fetch', fetchSchema],
  ['02-list-offsets', listOffsetsSchema],
  ['03-metadata', metadataSchema],
  ['04-leader-and-isr', leaderAndIsrSchema],
  ['05-stop-replica', stopReplicaSchema],
  ['06-update-metadata', updateMetadataSchema],
  ['07-controlled-shutdown', controlledShutdownSchema],
  ['08-offset-commit', offsetCommitSchema],
  ['09-offset-fetch', offsetFetchSchema],
  ['10-find-coordinator', findCoordinatorSchema],
  ['11-join-group', joinGroupSchema],
  ['12-heartbeat', heartbeatSchema],
  ['13-leave-group', leaveGroupSchema],
  ['14-sync-group', syncGroupSchema],
  ['15-describe-groups', describeGroupsSchema],
  ['16-list-groups', listGroupsSchema],
  ['17-sasl-handshake', saslHandshakeSchema],
  ['18-api-versions', apiVersionsSchema],
  ['19-create-topics', createTopicsSchema],
  ['20-delete-topics', deleteTopicsSchema],
  ['21-delete-records', deleteRecordsSchema],
  ['22-init-producer-id', initProducerIdSchema],
  ['23-offset-for-leader-epoch', offsetForLeaderEpochSchema],
  ['24-add-partitions-to-txn', addPartitionsToTxnSchema],
  ['25-add-offsets-to-txn', addOffsetsToTxnSchema],
  ['26-end-txn', endTxnSchema],
  ['27-write-txn-markers', writeTxnMarkersSchema],
  ['28-txn-offset-commit', txnOffsetCommitSchema],
  ['29-describe-acls', describeAclsSchema],
  ['30-create-acls', createAclsSchema],
  ['31-delete-acls', deleteAclsSchema],
  ['32-describe-configs', describeConfigsSchema],
  ['33-alter-configs', alterConfigsSchema],
  ['34-alter-replica-log-dirs', alterReplicaLogDirsSchema],
  ['35-describe-log-dirs', describeLogDirsSchema],
  ['36-sasl-authenticate', saslAuthenticateSchema],
  ['37-create-partitions', createPartitionsSchema],
  ['38-create-delegation-token', createDelegationTokenSchema],
  ['39-renew-delegation-token', renewDelegationTokenSchema],
  ['40-expire-delegation-token', expireDelegationTokenSchema],
  ['41-describe-delegation-token', describeDelegationTokenSchema],
  ['42-delete-groups', deleteGroupsSchema],
  ['43-elect-leaders', electLeadersSchema],
  ['44-incremental-alter-configs', incrementalAlterConfigsSchema],
  ['45-alter-partition-reassignments', alterPartitionReassignmentsSchema],
  ['46-list-partition-reassignments', listPartitionReassignmentsSchema],
  ['47-offset-delete', offsetDeleteSchema],
  ['48-describe-client-quotas', describeClientQuotasSchema],
  ['49-alter-client-quotas', alterClientQuotasSchema],
  ['50-describe-user-scram-credentials', describeUserScramCredentialsSchema],
  ['51-alter-user-scram-credentials', alterUserScramCredentialsSchema],
  ['52-vote', voteSchema],
  ['53-begin-quorum-epoch', beginQuorumEpochSchema],
  ['54-end-quorum-epoch', endQuorumEpochSchema],
  ['55-describe-quorum', describeQuorumSchema],
  ['56-alter-partition', alterPartitionSchema],
  ['57-update-features', updateFeaturesSchema],
  ['58-envelope', envelopeSchema],
  ['59-fetch-snapshot', fetchSnapshotSchema],
  ['60-describe-cluster', describeClusterSchema],
  ['61-describe-producers', describeProducersSchema],
  ['62-broker-registration', brokerRegistrationSchema],
  ['63-broker-heartbeat', brokerHeartbeatSchema],
  ['64-unregister-broker', unregisterBrokerSchema],
  ['65-describe-transactions', describeTransactionsSchema],
  ['66-list-transactions', listTransactionsSchema],
  ['67-allocate-producer-ids', allocateProducerIdsSchema],
  ['68-consumer-group-heartbeat', consumerGroupHeartbeatSchema],
  ['69-consumer-group-describe', consumerGroupDescribeSchema],
  ['70-controller-registration', controllerRegistrationSchema],
  ['71-get-telemetry-subscriptions', getTelemetrySubscriptionsSchema],
  ['72-push-telemetry', pushTelemetrySchema],
  ['73-assign-replicas-to-dirs', assignReplicasToDirsSchema],
  ['74-list-config-resources', listConfigResourcesSchema],
  ['75-describe-topic-partitions', describeTopicPartitionsSchema],
  ['76-share-group-heartbeat', shareGroupHeartbeatSchema],
  ['77-share-group-describe', shareGroupDescribeSchema],
  ['78-share-fetch', shareFetchSchema],
  ['79-share-acknowledge', shareAcknowledgeSchema],
  ['80-add-raft-voter', addRaftVoterSchema],
  ['81-remove-raft-voter', removeRaftVoterSchema],
  ['82-update-raft-voter', updateRaftVoterSchema],
  ['83-initialize-share-group-state', initializeShareGroupStateSchema],
  ['84-read-share-group-state', readShareGroupStateSchema],
  ['85-write-share-group-state', writeShareGroupStateSchema],
  ['86-delete-share-group-state', deleteShareGroupStateSchema],
  ['87-read-share-group-state-summary', readShareGroupStateSummarySchema],
  ['88-streams-group-heartbeat', streamsGroupHeartbeatSchema],
  ['89-streams-group-describe', streamsGroupDescribeSchema],
  ['90-describe-share-group-offsets', describeShareGroupOffsetsSchema],
  ['91-alter-share-group-offsets', alterShareGroupOffsetsSchema],
  ['92-delete-share-group-offsets', deleteShareGroupOffsetsSchema],
]);

/** File name (without extension) → the other messages it describes. */
export const messageSchemas: ReadonlyMap<string, readonly MessageSchema[]> = new Map([
  ['early-access', [shareGroupMetadataValueEarlyAccessSchema, readShareGroupStateSummaryResponseEarlyAccessSchema]],
  [
    'records/consumer-group-current-member-assignment',
    [consumerGroupCurrentMemberAssignmentKeySchema, consumerGroupCurrentMemberAssignmentValueSchema],
  ],
  [
    'records/consumer-group-member-metadata',
    [consumerGroupMemberMetadataKeySchema, consumerGroupMemberMetadataValueSchema],
  ],
  ['records/consumer-group-metadata', [consumerGroupMetadataKeySchema, consumerGroupMetadataValueSchema]],
  [
    'records/consumer-group-partition-metadata',
    [consumerGroupPartitionMetadataKeySchema, consumerGroupPartitionMetadataValueSchema],
  ],
  [
    'records/consumer-group-regular-expression',
    [consumerGroupRegularExpressionKeySchema, consumerGroupRegularExpressionValueSchema],
  ],
  [
    'records/consumer-group-target-assignment-member',
    [consumerGroupTargetAssignmentMemberKeySchema, consumerGroupTargetAssignmentMemberValueSchema],
  ],
  [
    'records/consumer-group-target-assignment-metadata',
    [consumerGroupTargetAssignmentMetadataKeySchema, consumerGroupTargetAssignmentMetadataValueSchema],
  ],
  ['records/consumer-protocol', [consumerProtocolAssignmentSchema, consumerProtocolSubscriptionSchema]],
  ['records/default-principal-data', [defaultPrincipalDataSchema]],
  ['records/end-txn-marker', [endTxnMarkerSchema]],
  ['records/group-metadata', [groupMetadataKeySchema, groupMetadataValueSchema]],
  ['records/kraft-version-record', [kRaftVersionRecordSchema]],
  ['records/leader-change-message', [leaderChangeMessageSchema]],
  ['records/legacy-offset-commit', [legacyOffsetCommitKeySchema, legacyOffsetCommitValueSchema]],
  ['records/offset-commit', [offsetCommitKeySchema, offsetCommitValueSchema]],
  ['request-header', [requestHeaderSchema]],
  ['response-header', [responseHeaderSchema]],
  [
    'records/share-group-current-member-assignment',
    [shareGroupCurrentMemberAssignmentKeySchema, shareGroupCurrentMemberAssignmentValueSchema],
  ],
  ['records/share-group-member-metadata', [shareGroupMemberMetadataKeySchema, shareGroupMemberMetadataValueSchema]],
  ['records/share-group-metadata', [shareGroupMetadataKeySchema, shareGroupMetadataValueSchema]],
  [
    'records/share-group-partition-metadata',
    [shareGroupPartitionMetadataKeySchema, shareGroupPartitionMetadataValueSchema],
  ],
  [
    'records/share-group-state-partition-metadata',
    [shareGroupStatePartitionMetadataKeySchema, shareGroupStatePartitionMetadataValueSchema],
  ],
  [
    'records/share-group-target-assignment-member',
    [shareGroupTargetAssignmentMemberKeySchema, shareGroupTargetAssignmentMemberValueSchema],
  ],
  [
    'records/share-group-target-assignment-metadata',
    [shareGroupTargetAssignmentMetadataKeySchema, shareGroupTargetAssignmentMetadataValueSchema],
  ],
  ['records/snapshot-footer-record', [snapshotFooterRecordSchema]],
  ['records/snapshot-header-record', [snapshotHeaderRecordSchema]],
  [
    'records/streams-group-current-member-assignment',
    [streamsGroupCurrentMemberAssignmentKeySchema, streamsGroupCurrentMemberAssignmentValueSchema],
  ],
  [
    'records/streams-group-member-metadata',
    [streamsGroupMemberMetadataKeySchema, streamsGroupMemberMetadataValueSchema],
  ],
  ['records/streams-group-metadata', [streamsGroupMetadataKeySchema, streamsGroupMetadataValueSchema]],
  [
    'records/streams-group-target-assignment-member',
    [streamsGroupTargetAssignmentMemberKeySchema, streamsGroupTargetAssignmentMemberValueSchema],
  ],
  [
    'records/streams-group-target-assignment-metadata',
    [streamsGroupTargetAssignmentMetadataKeySchema, streamsGroupTargetAssignmentMetadataValueSchema],
  ],
  ['records/streams-group-topology', [streamsGroupTopologyKeySchema, streamsGroupTopologyValueSchema]],
  ['records/transaction-log', [transactionLogKeySchema, transactionLogValueSchema]],
  ['records/voters-record', [votersRecordSchema]],
]);
