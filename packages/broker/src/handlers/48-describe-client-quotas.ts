// DescribeClientQuotas (48), versions 0-1. The quotas of the entities that a filter finds (KIP-546).

import { Errors } from '@ottla/base';
import { describeClientQuotas as api, type DescribeClientQuotasResponse } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const describeClientQuotas = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 1,
    errorResponse: (_, errorCode, errorMessage): DescribeClientQuotasResponse => {
      return { throttleTimeMs: 0, errorCode, errorMessage, entries: null };
    },
  },
  async (request, { broker }) => {
    const described = await broker.configs.clientQuotas.describe(request.components, request.strict);
    const entries = described.map(({ entity, values }) => ({
      entity: [...entity].map(([entityType, entityName]) => ({ entityType, entityName })),
      values: [...values].map(([key, value]) => ({ key, value })),
    }));
    return { throttleTimeMs: 0, errorCode: Errors.NONE, errorMessage: '', entries };
  },
);
