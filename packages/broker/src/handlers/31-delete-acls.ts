// DeleteAcls, served in versions 0 to 3. A broker without an authorizer refuses each filter.

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type Decoded,
  type DeleteAclsRequest,
  type DeleteAclsResponse,
  deleteAcls as deleteAclsApi,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const deleteAcls = defineHandler(
  deleteAclsApi,
  { minVersion: 0, maxVersion: 3, errorResponse: (request, code, message) => failed(request, code, message) },
  (request) => failed(request, Errors.SECURITY_DISABLED, 'No Authorizer is configured.'),
);

function failed(request: Decoded<DeleteAclsRequest>, errorCode: ErrorCode, errorMessage: string): DeleteAclsResponse {
  const filterResults = request.filters.map(() => ({ errorCode, errorMessage, matchingAcls: [] }));
  return { throttleTimeMs: 0, filterResults };
}
