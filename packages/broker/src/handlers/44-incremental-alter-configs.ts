// IncrementalAlterConfigs (44), versions 0-1. Sets, removes, appends to or subtracts from single settings (KIP-339), also levels of
// loggers (KIP-412). Source: kafka.server.ZkAdminManager.incrementalAlterConfigs.

import { incrementalAlterConfigs as api } from '@ottla/protocol';
import { alterEach, failEach } from '../config/alter-each.ts';
import { defineHandler } from '../server/handler.ts';

export const incrementalAlterConfigs = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 1,
    errorResponse: (request, code, message) => failEach(request.resources, code, message),
  },
  (request, { broker }) =>
    alterEach(request.resources, broker.logger, (resource, { configs }) => {
      const operations = configs.map(({ name, value, configOperation }) => ({
        name,
        value,
        operation: configOperation,
      }));
      return broker.configs.admin.incrementalAlter(resource, operations, request.validateOnly);
    }),
);
