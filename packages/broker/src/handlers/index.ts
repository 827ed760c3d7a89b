// Every API this broker serves. A handler that is not in this list does not exist: dispatch and ApiVersions read nothing else.

import type { Handler } from '../server/handler.ts';
import { apiVersions } from './18-api-versions.ts';
import { initProducerId } from './22-init-producer-id.ts';
import { addPartitionsToTxn } from './24-add-partitions-to-txn.ts';
import { addOffsetsToTxn } from './25-add-offsets-to-txn.ts';
import { endTxn } from './26-end-txn.ts';
import { describeCluster } from './60-describe-cluster.ts';
import { describeTransactions } from './65-describe-transactions.ts';
import { listTransactions } from './66-list-transactions.ts';

export const handlers: readonly Handler[] = [
  apiVersions,
  initProducerId,
  addPartitionsToTxn,
  addOffsetsToTxn,
  endTxn,
  describeCluster,
  describeTransactions,
  listTransactions,
];
