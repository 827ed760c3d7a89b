// RenewDelegationToken, served in versions 0 to 2. Not for clients that did not authenticate themselves (KIP-48).

import { type ErrorCode, Errors } from '@ottla/base';
import { type RenewDelegationTokenResponse, renewDelegationToken as renewDelegationTokenApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const renewDelegationToken = defineHandler(
  renewDelegationTokenApi,
  { minVersion: 0, maxVersion: 2, errorResponse: (_request, errorCode) => failed(errorCode) },
  () => failed(Errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
);

function failed(errorCode: ErrorCode): RenewDelegationTokenResponse {
  return { errorCode, expiryTimestampMs: -1, throttleTimeMs: 0 };
}
