// EndTxn (26), versions 0-4. Commits or aborts a producer's transaction. The answer says that the decision is in the log; the markers
// follow.

import { endTxn as api } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';
import { fencedForVersion } from '../transaction/fenced-for-version.ts';

const FIRST_VERSION_WITH_PRODUCER_FENCED = 2;

export const endTxn = defineHandler(
  api,
  { minVersion: 0, maxVersion: 4, errorResponse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode }) },
  async (request, context) => {
    const result = request.committed ? 'commit' : 'abort';
    const code = await context.broker.transactionCoordinator.endTransaction(request, result);
    return {
      throttleTimeMs: 0,
      errorCode: fencedForVersion(code, context.header.apiVersion, FIRST_VERSION_WITH_PRODUCER_FENCED),
    };
  },
);
