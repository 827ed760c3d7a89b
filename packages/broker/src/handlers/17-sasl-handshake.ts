// SaslHandshake, served in versions 0 and 1. On a listener without SASL there is nothing to agree on (KIP-43).

import { Errors } from '@ottla/base';
import { saslHandshake as saslHandshakeApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const saslHandshake = defineHandler(
  saslHandshakeApi,
  { minVersion: 0, maxVersion: 1, errorResponse: (_request, errorCode) => ({ errorCode, mechanisms: [] }) },
  () => ({ errorCode: Errors.ILLEGAL_SASL_STATE, mechanisms: [] }),
);
