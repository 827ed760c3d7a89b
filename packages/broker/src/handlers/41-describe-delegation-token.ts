// DescribeDelegationToken, served in versions 0 to 3. Not for clients that did not authenticate themselves (KIP-48).

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type DescribeDelegationTokenResponse,
  describeDelegationToken as describeDelegationTokenApi,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const describeDelegationToken = defineHandler(
  describeDelegationTokenApi,
  { minVersion: 0, maxVersion: 3, errorResponse: (_request, errorCode) => failed(errorCode) },
  () => failed(Errors.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED),
);

function failed(errorCode: ErrorCode): DescribeDelegationTokenResponse {
  return { errorCode, tokens: [], throttleTimeMs: 0 };
}
