// AlterUserScramCredentials (51), version 0. Sets and deletes SCRAM credentials, one answer a user (KIP-554).

import { type AlterUserScramCredentialsResponse, alterUserScramCredentials as api } from '@ottla/protocol';
import { mapError } from '../server/error-mapping.ts';
import { defineHandler } from '../server/handler.ts';

export const alterUserScramCredentials = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 0,
    errorResponse: ({ deletions, upsertions }, errorCode, errorMessage): AlterUserScramCredentialsResponse => {
      const users = new Set([...deletions, ...upsertions].map(({ name }) => name));
      return { throttleTimeMs: 0, results: [...users].map((user) => ({ user, errorCode, errorMessage })) };
    },
  },
  async ({ deletions, upsertions }, { broker }) => {
    const results = await broker.configs.scramCredentials.alter(deletions, upsertions, (error) => {
      const mapped = mapError(error);
      if (!mapped.isExpected) broker.logger.error('could not change a SCRAM credential', { error });
      return mapped;
    });
    return { throttleTimeMs: 0, results: [...results] };
  },
);
