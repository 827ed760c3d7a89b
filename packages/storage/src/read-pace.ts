// Whether the old parts of a file are in the page cache, which Node cannot ask: told by how long the reads before took.
//
//   off the loop: a read waits for nobody but its consumer      a few quick ones in a row → on the loop
//   on the loop: a sixth cheaper, but all wait for the disk     a slow one → off the loop, and for longer

/** Off the loop a read waits for a thread and for the loop's turn as well; a spinning disk needs more all the same. */
const QUICK_OFF_LOOP_MS = 1;
/** On the loop a read of nothing may take this long, */
const QUICK_ON_LOOP_MS = 0.1;
/** and copying from the page cache brings at least so much; most disks do not. */
const BYTES_PER_MS_MIN = 2_000_000;
/** Quick reads in a row before the loop is trusted with one, at first and after it had to wait. */
const TRIAL_READS = 4;
const TRIAL_READS_AFTER_WAIT = 64;

export class ReadPace {
  #trialReads = TRIAL_READS;
  #quickReads = 0;

  /** Whether the next read may have to wait for the disk. */
  get mayWait(): boolean {
    return this.#quickReads < this.#trialReads;
  }

  /** Off the loop a read took `tookMs`. */
  noteOffLoop(tookMs: number): void {
    this.#quickReads = tookMs <= QUICK_OFF_LOOP_MS ? this.#quickReads + 1 : 0;
  }

  /** On the loop one of `sizeInBytes` took `tookMs`. */
  noteOnLoop(tookMs: number, sizeInBytes: number): void {
    if (tookMs <= QUICK_ON_LOOP_MS + sizeInBytes / BYTES_PER_MS_MIN) return;
    this.#quickReads = 0;
    this.#trialReads = TRIAL_READS_AFTER_WAIT;
  }
}
