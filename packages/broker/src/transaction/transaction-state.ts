// The states of a transaction and which may follow which. Source: kafka.coordinator.transaction.TransactionState.

export type TransactionState =
  | 'Empty'
  | 'Ongoing'
  | 'PrepareCommit'
  | 'PrepareAbort'
  | 'CompleteCommit'
  | 'CompleteAbort'
  | 'Dead'
  | 'PrepareEpochFence';

interface StateFacts {
  /** The number in the log. */
  readonly id: number;
  readonly validPrevious: readonly TransactionState[];
  /** May a transactional id rest here until it expires? */
  readonly isExpirationAllowed: boolean;
}

const FACTS: Readonly<Record<TransactionState, StateFacts>> = {
  // No transaction yet: the transactional id is known and nothing was added to it.
  Empty: { id: 0, validPrevious: ['Empty', 'CompleteCommit', 'CompleteAbort'], isExpirationAllowed: true },
  // Partitions were added, nobody decided yet.
  Ongoing: {
    id: 1,
    validPrevious: ['Ongoing', 'Empty', 'CompleteCommit', 'CompleteAbort'],
    isExpirationAllowed: false,
  },
  // Decided and in the log: from here on the outcome cannot change, markers are being written.
  PrepareCommit: { id: 2, validPrevious: ['Ongoing'], isExpirationAllowed: false },
  PrepareAbort: { id: 3, validPrevious: ['Ongoing', 'PrepareEpochFence'], isExpirationAllowed: false },
  // Every marker is written.
  CompleteCommit: { id: 4, validPrevious: ['PrepareCommit'], isExpirationAllowed: true },
  CompleteAbort: { id: 5, validPrevious: ['PrepareAbort'], isExpirationAllowed: true },
  // The transactional id expired; its tombstone is being written.
  Dead: { id: 6, validPrevious: ['Empty', 'CompleteCommit', 'CompleteAbort'], isExpirationAllowed: false },
  // In memory only: the epoch is being raised over a producer that left a transaction open.
  PrepareEpochFence: { id: 7, validPrevious: ['Ongoing'], isExpirationAllowed: false },
};

export const TRANSACTION_STATES = Object.keys(FACTS) as readonly TransactionState[];

const BY_ID: ReadonlyMap<number, TransactionState> = new Map(
  TRANSACTION_STATES.map((state) => [FACTS[state].id, state]),
);

export function transactionStateId(state: TransactionState): number {
  return FACTS[state].id;
}

/** undefined for a number Kafka does not define. */
export function transactionStateOf(id: number): TransactionState | undefined {
  return BY_ID.get(id);
}

export function isTransactionState(name: string): name is TransactionState {
  return TRANSACTION_STATES.some((state) => state === name);
}

export function canFollow(next: TransactionState, previous: TransactionState): boolean {
  return FACTS[next].validPrevious.includes(previous);
}

export function isExpirationAllowed(state: TransactionState): boolean {
  return FACTS[state].isExpirationAllowed;
}
