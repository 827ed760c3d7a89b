// DescribeUserScramCredentials (50), version 0. Which users have which mechanisms with how many iterations; no secrets (KIP-554).

import { Errors } from '@ottla/base';
import { describeUserScramCredentials as api, type DescribeUserScramCredentialsResponse } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const describeUserScramCredentials = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 0,
    errorResponse: (_, errorCode, errorMessage): DescribeUserScramCredentialsResponse => {
      return { throttleTimeMs: 0, errorCode, errorMessage, results: [] };
    },
  },
  async ({ users }, { broker }) => {
    const wanted = users === null || users.length === 0 ? undefined : users.map(({ name }) => name);
    const described = await broker.configs.scramCredentials.describe(wanted);
    const results = described.map((each) => ({ ...each, credentialInfos: [...each.credentialInfos] }));
    return { throttleTimeMs: 0, errorCode: Errors.NONE, errorMessage: '', results };
  },
);
