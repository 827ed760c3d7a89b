// Envelope, offered in version 0 (KIP-590). Only a controller that brokers forward to opens envelopes; in ZooKeeper mode none does, and the
// connection of whoever sends one is closed.

import { Errors, KafkaError } from '@ottla/base';
import { type EnvelopeRequest, type EnvelopeResponse, envelope as envelopeApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const envelope = defineHandler<EnvelopeRequest, EnvelopeResponse>(
  envelopeApi,
  { minVersion: 0, maxVersion: 0, errorResponse: () => undefined },
  () => {
    throw new KafkaError(
      Errors.INVALID_REQUEST,
      'Envelope request received on a broker that brokers do not forward to',
    );
  },
);
