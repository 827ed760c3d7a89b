// DescribeAcls, served in versions 0 to 3. A broker without an authorizer has no ACLs and says so.

import { type ErrorCode, Errors } from '@ottla/base';
import { type DescribeAclsResponse, describeAcls as describeAclsApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const describeAcls = defineHandler(
  describeAclsApi,
  { minVersion: 0, maxVersion: 3, errorResponse: (_request, code, message) => failed(code, message) },
  () => failed(Errors.SECURITY_DISABLED, 'No Authorizer is configured on the broker'),
);

function failed(errorCode: ErrorCode, errorMessage: string): DescribeAclsResponse {
  return { throttleTimeMs: 0, errorCode, errorMessage, resources: [] };
}
