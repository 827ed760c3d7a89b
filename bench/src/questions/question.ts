import type { RowHead } from '../support/table.ts';
import type { Trial } from '../support/trial.ts';

/** Something asked of every system, in each round again. */
export interface Question {
  /** What it tells, a row each. */
  readonly rows: readonly RowHead[];
  /** @returns a figure for each row */
  readonly measure: (trial: Trial) => Promise<readonly number[]>;
  /** Once a system, before the first round. */
  readonly prepare?: (trial: Trial) => Promise<void>;
  /** The sink knows nothing but plain produce and fetch requests of a few partitions. */
  readonly skipSink?: boolean;
  /** Why it cannot be asked on this machine. */
  readonly missing?: () => string | undefined;
}
