// CreateAcls, served in versions 0 to 3. A broker without an authorizer refuses each.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type CreateAclsRequest,
  type CreateAclsResponse,
  createAcls as createAclsApi,
  type Decoded,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const createAcls = defineHandler(
  createAclsApi,
  { minVersion: 0, maxVersion: 3, errorResponse: (request, code, message) => failed(request, code, message) },
  (request) => failed(request, Errors.SECURITY_DISABLED, 'No Authorizer is configured.'),
);

function failed(request: Decoded<CreateAclsRequest>, errorCode: ErrorCode, errorMessage: string): CreateAclsResponse {
  return { throttleTimeMs: 0, results: request.creations.map(() => ({ errorCode, errorMessage })) };
}
