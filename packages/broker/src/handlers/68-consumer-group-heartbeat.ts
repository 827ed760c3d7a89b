// ConsumerGroupHeartbeat, offered in version 0 (KIP-848). The new group protocol needs KRaft: a 3.9 broker in ZooKeeper mode knows the request
// and refuses it, and clients fall back to the classic protocol.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type ConsumerGroupHeartbeatResponse,
  consumerGroupHeartbeat as consumerGroupHeartbeatApi,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const consumerGroupHeartbeat = defineHandler(
  consumerGroupHeartbeatApi,
  { minVersion: 0, maxVersion: 0, errorResponse: (_request, errorCode) => failed(errorCode) },
  () => failed(Errors.UNSUPPORTED_VERSION),
);

function failed(errorCode: ErrorCode): ConsumerGroupHeartbeatResponse {
  return { throttleTimeMs: 0, errorCode, memberEpoch: 0, heartbeatIntervalMs: 0 };
}
