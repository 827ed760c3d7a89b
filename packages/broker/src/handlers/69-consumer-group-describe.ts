// ConsumerGroupDescribe, offered in version 0 (KIP-848). As with ConsumerGroupHeartbeat, a 3.9 broker in ZooKeeper mode refuses it, group by
// group.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type ConsumerGroupDescribeRequest,
  type ConsumerGroupDescribeResponse,
  consumerGroupDescribe as consumerGroupDescribeApi,
  type Decoded,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const consumerGroupDescribe = defineHandler(
  consumerGroupDescribeApi,
  { minVersion: 0, maxVersion: 0, errorResponse: (request, errorCode) => failed(request, errorCode) },
  (request) => failed(request, Errors.UNSUPPORTED_VERSION),
);

function failed(request: Decoded<ConsumerGroupDescribeRequest>, errorCode: ErrorCode): ConsumerGroupDescribeResponse {
  const groups = request.groupIds.map((groupId) => ({
    errorCode,
    groupId,
    groupState: '',
    groupEpoch: 0,
    assignmentEpoch: 0,
    assignorName: '',
    members: [],
  }));
  return { throttleTimeMs: 0, groups };
}
