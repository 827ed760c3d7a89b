// AlterPartition (56), versions 0-3. A leader asks the controller to change its in-sync set. Version 1: recovery state (KIP-704). Version 2:
// topic ids. Version 3: replicas with their broker epochs (KIP-903).
// Source: kafka.server.KafkaApis.handleAlterPartitionRequest (3.9), KIP-497.

import { alterPartition as api } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const alterPartition = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 3,
    errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, topics: [] }),
  },
  (request, { broker, header }) => broker.controller.alterPartitions(request, header.apiVersion),
);
