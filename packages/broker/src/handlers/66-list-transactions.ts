// ListTransactions (66), versions 0-1 (KIP-664, KIP-994). The transactional ids this broker coordinates, filtered by state, producer id
// and, from version 1, by how long they have been running.

import { Errors } from '@ottla/base';
import { listTransactions as api } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';
import { isTransactionState } from '../transaction/transaction-state.ts';

export const listTransactions = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 1,
    errorResponse: (_, errorCode) => ({ throttleTimeMs: 0, errorCode, unknownStateFilters: [], transactionStates: [] }),
  },
  (request, context) => {
    const known = request.stateFilters.filter(isTransactionState);
    const unknownStateFilters = request.stateFilters.filter((name) => !isTransactionState(name));
    const isEveryFilterUnknown = request.stateFilters.length > 0 && known.length === 0;
    const found = context.broker.transactionCoordinator.list({
      states: new Set(known),
      producerIds: new Set(request.producerIdFilters),
      runningAtLeastMs: request.durationFilter,
    });
    if (typeof found === 'number') {
      return { throttleTimeMs: 0, errorCode: found, unknownStateFilters, transactionStates: [] };
    }
    const transactionStates = (isEveryFilterUnknown ? [] : found).map(({ transactionalId, producerId, state }) => ({
      transactionalId,
      producerId,
      transactionState: state,
    }));
    return { throttleTimeMs: 0, errorCode: Errors.NONE, unknownStateFilters, transactionStates };
  },
);
