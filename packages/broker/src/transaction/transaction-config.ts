// The settings of the transaction coordinator, by Kafka's names. Source: kafka.coordinator.transaction.TransactionConfig.

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
