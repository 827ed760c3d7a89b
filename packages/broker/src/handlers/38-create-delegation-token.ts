// CreateDelegationToken, served in versions 0 to 3. Tokens are only given to clients that authenticated themselves, which nobody does on a
// PLAINTEXT listener (KIP-48). The answer names who would have owned the token (KIP-373).

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type CreateDelegationTokenRequest,
  type CreateDelegationTokenResponse,
  createDelegationToken as createDelegationTokenApi,
  type Decoded,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';
import { ANONYMOUS, type KafkaPrincipal } from '../server/request-context.ts';

const NEVER_MS = -1;
/** From this version on a token may be asked for in somebody else's name. */
const OWNER_VERSION = 3;

export const createDelegationToken = defineHandler(
  createDelegationTokenApi,
  {
    minVersion: 0,
    maxVersion: 3,
    errorResponse: (request, code, _message, version) => failed(request, code, version, ANONYMOUS),
  },
  (request, { principal, header }) =>
    failed(request, Errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, header.apiVersion, principal),
);

function failed(
  request: Decoded<CreateDelegationTokenRequest>,
  errorCode: ErrorCode,
  version: number,
  requester: KafkaPrincipal,
): CreateDelegationTokenResponse {
  const hasOwner = request.ownerPrincipalName !== null && request.ownerPrincipalName !== '';
  return {
    errorCode,
    principalType: hasOwner ? (request.ownerPrincipalType ?? '') : requester.principalType,
    principalName: hasOwner ? (request.ownerPrincipalName ?? '') : requester.name,
    ...(version >= OWNER_VERSION && {
      tokenRequesterPrincipalType: requester.principalType,
      tokenRequesterPrincipalName: requester.name,
    }),
    issueTimestampMs: NEVER_MS,
    expiryTimestampMs: NEVER_MS,
    maxTimestampMs: NEVER_MS,
    tokenId: '',
    hmac: Buffer.alloc(0),
    throttleTimeMs: 0,
  };
}
