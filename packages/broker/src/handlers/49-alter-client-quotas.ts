// AlterClientQuotas (49), versions 0-1. Sets and removes quotas, one answer an entity (KIP-546).

import { type ErrorCode, Errors } from '@ottla/base';
import {
  type AlterClientQuotasRequest,
  type AlterClientQuotasResponse,
  alterClientQuotas as api,
  type Decoded,
} from '@ottla/protocol';
import { mapError } from '../server/error-mapping.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

type Entry = Decoded<AlterClientQuotasRequest>['entries'][number];
type Result = AlterClientQuotasResponse['entries'][number];

export const alterClientQuotas = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 1,
    errorResponse: (request, code, message): AlterClientQuotasResponse => {
      return { throttleTimeMs: 0, entries: request.entries.map(({ entity }) => answer(entity, code, message)) };
    },
  },
  async (request, context) => {
    const entries: Result[] = [];
    for (const entry of request.entries) entries.push(await alterOne(entry, request.validateOnly, context));
    return { throttleTimeMs: 0, entries };
  },
);

async function alterOne({ entity, ops }: Entry, validateOnly: boolean, { broker }: RequestContext): Promise<Result> {
  try {
    const names = new Map(entity.map(({ entityType, entityName }) => [entityType, entityName]));
    await broker.configs.clientQuotas.alter(names, ops, validateOnly);
    return answer(entity, Errors.NONE, null);
  } catch (error) {
    const { code, message, isExpected } = mapError(error);
    if (!isExpected) broker.logger.error('could not change client quotas', { entity, error });
    return answer(entity, code, message);
  }
}

function answer(entity: Entry['entity'], errorCode: ErrorCode, errorMessage: string | null): Result {
  return { errorCode, errorMessage, entity: entity.map((each) => ({ ...each })) };
}
