// AlterConfigs (33), versions 0-2. Replaces everything that was set for a resource. Superseded by IncrementalAlterConfigs.
// Source: kafka.server.ZkAdminManager.alterConfigs.

import { alterConfigs as api } from '@ottla/protocol';
import { alterEach, failEach } from '../config/alter-each.ts';
import { defineHandler } from '../server/handler.ts';

export const alterConfigs = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 2,
    errorResponse: (request, code, message) => failEach(request.resources, code, message),
  },
  (request, { broker }) =>
    alterEach(request.resources, broker.logger, (resource, { configs }) =>
      broker.configs.admin.alter(resource, configs, request.validateOnly),
    ),
);
