// What AlterConfigs and IncrementalAlterConfigs have in common: one answer a resource, each independent of the others.

import { type ErrorCode, Errors, type Logger } from '@ottla/base';
import { mapError } from '../server/error-mapping.ts';
import type { ConfigResource } from './config-resource.ts';

export interface RequestedResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface AlterResult extends RequestedResource {
  errorCode: ErrorCode;
  errorMessage: string | null;
}

export interface AlterAnswer {
  throttleTimeMs: number;
  responses: AlterResult[];
}

/** Changes the resources one after the other. A resource that is named twice is refused each time. */
export async function alterEach<Requested extends RequestedResource>(
  resources: readonly Requested[],
  logger: Logger,
  alter: (resource: ConfigResource, requested: Requested) => Promise<void>,
): Promise<AlterAnswer> {
  const responses: AlterResult[] = [];
  for (const requested of resources) {
    const { resourceType, resourceName } = requested;
    if (resources.some((other) => other !== requested && isSame(other, requested))) {
      const errorMessage = 'Each resource must appear at most once.';
      responses.push({ errorCode: Errors.INVALID_REQUEST, errorMessage, resourceType, resourceName });
      continue;
    }
    responses.push(await alterOne(requested, logger, alter));
  }
  return { throttleTimeMs: 0, responses };
}

/** The same failure for every resource. */
export function failEach(
  resources: readonly RequestedResource[],
  errorCode: ErrorCode,
  errorMessage: string,
): AlterAnswer {
  const responses = resources.map(({ resourceType, resourceName }) => {
    return { errorCode, errorMessage, resourceType, resourceName };
  });
  return { throttleTimeMs: 0, responses };
}

async function alterOne<Requested extends RequestedResource>(
  requested: Requested,
  logger: Logger,
  alter: (resource: ConfigResource, requested: Requested) => Promise<void>,
): Promise<AlterResult> {
  const { resourceType, resourceName } = requested;
  try {
    await alter({ type: resourceType, name: resourceName }, requested);
    return { errorCode: Errors.NONE, errorMessage: null, resourceType, resourceName };
  } catch (error) {
    const { code, message, isExpected } = mapError(error);
    if (!isExpected) logger.error('could not change settings', { resourceType, resourceName, error });
    return { errorCode: code, errorMessage: message, resourceType, resourceName };
  }
}

function isSame(a: RequestedResource, b: RequestedResource): boolean {
  return a.resourceType === b.resourceType && a.resourceName === b.resourceName;
}
