// KIP-588 brought PRODUCER_FENCED; older clients were told INVALID_PRODUCER_EPOCH.

import { type ErrorCode, Errors } from '@ottla/base';

/** @param firstVersion the first version of the API at hand whose clients know PRODUCER_FENCED */
export function fencedForVersion(code: ErrorCode, version: number, firstVersion: number): ErrorCode {
  return code === Errors.PRODUCER_FENCED && version < firstVersion ? Errors.INVALID_PRODUCER_EPOCH : code;
}
