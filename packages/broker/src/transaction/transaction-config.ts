// The settings of the transaction coordinator, by Kafka's names. Source: kafka.coordinator.transaction.TransactionConfig.

import type { KafkaConfig } from '../config/index.ts';

export interface TransactionConfig {
  /** transactional.id.expiration.ms */
  readonly transactionalIdExpirationMs: number;
  /** transaction.max.timeout.ms */
  readonly transactionMaxTimeoutMs: number;
  /** transaction.abort.timed.out.transaction.cleanup.interval.ms */
  readonly abortTimedOutTransactionsIntervalMs: number;
  /** transaction.remove.expired.transaction.cleanup.interval.ms */
  readonly removeExpiredTransactionalIdsIntervalMs: number;
  /** How long an append to the transaction log may wait for replicas: request.timeout.ms */
  readonly requestTimeoutMs: number;
}

/** As server.properties has them. */
export function transactionConfig(config: KafkaConfig): TransactionConfig {
  return {
    transactionalIdExpirationMs: config.number('transactional.id.expiration.ms'),
    transactionMaxTimeoutMs: config.number('transaction.max.timeout.ms'),
    abortTimedOutTransactionsIntervalMs: config.number('transaction.abort.timed.out.transaction.cleanup.interval.ms'),
    removeExpiredTransactionalIdsIntervalMs: config.number(
      'transaction.remove.expired.transaction.cleanup.interval.ms',
    ),
    requestTimeoutMs: config.number('request.timeout.ms'),
  };
}
