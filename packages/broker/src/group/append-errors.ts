// What a group's client is told when the offsets topic refused an append: errors about a log it knows nothing of become errors about
// its coordinator. Source: Kafka 3.9 GroupMetadataManager.storeGroup, maybeConvertOffsetCommitError.

import { type ErrorCode, Errors } from '@ottla/base';

function commonError(code: ErrorCode): ErrorCode | undefined {
  switch (code) {
    case Errors.UNKNOWN_TOPIC_OR_PARTITION:
    case Errors.NOT_ENOUGH_REPLICAS:
    case Errors.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
      return Errors.COORDINATOR_NOT_AVAILABLE;
    case Errors.NOT_LEADER_OR_FOLLOWER:
    case Errors.KAFKA_STORAGE_ERROR:
      return Errors.NOT_COORDINATOR;
    default:
      return undefined;
  }
}

function isTooLarge(code: ErrorCode): boolean {
  return (
    code === Errors.MESSAGE_TOO_LARGE || code === Errors.RECORD_LIST_TOO_LARGE || code === Errors.INVALID_FETCH_SIZE
  );
}

/** For JoinGroup and SyncGroup. */
export function groupStoreError(code: ErrorCode): ErrorCode {
  const common = commonError(code);
  if (common !== undefined) return common;
  if (code === Errors.REQUEST_TIMED_OUT) return Errors.REBALANCE_IN_PROGRESS;
  return isTooLarge(code) ? Errors.UNKNOWN_SERVER_ERROR : code;
}

/** For OffsetCommit and TxnOffsetCommit. */
export function offsetCommitError(code: ErrorCode): ErrorCode {
  return commonError(code) ?? (isTooLarge(code) ? Errors.INVALID_COMMIT_OFFSET_SIZE : code);
}
