// SaslAuthenticate, served in versions 0 to 2. On a listener without SASL everybody counts as authenticated already (KIP-152).

import { Errors } from '@ottla/base';
import { saslAuthenticate as saslAuthenticateApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

const NO_BYTES = Buffer.alloc(0);

export const saslAuthenticate = defineHandler(
  saslAuthenticateApi,
  {
    minVersion: 0,
    maxVersion: 2,
    errorResponse: (_request, errorCode, errorMessage) => ({ errorCode, errorMessage, authBytes: NO_BYTES }),
  },
  () => ({
    errorCode: Errors.ILLEGAL_SASL_STATE,
    errorMessage: 'SaslAuthenticate request received after successful authentication',
    authBytes: NO_BYTES,
  }),
);
