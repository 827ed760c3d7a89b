// Whether the old parts of a file are in the page cache, which Node cannot ask: told by how long the reads before took, and by whether
// this process has read from any disk meanwhile: on a busy machine most slow reads have waited for the processor.
//
//   off the loop: a read waits for nobody but its consumer      a few quick ones in a row → on the loop
//   on the loop: a fifth cheaper, but all wait for the disk     a slow one → off the loop, and for longer

import type { FileSystem } from '@ottla/base';

/** Off the loop a read waits for a thread and for the loop's turn as well; a spinning disk needs more all the same. */
const QUICK_OFF_LOOP_MS = 1;
/** On the loop a read of nothing may take this long, */
const QUICK_ON_LOOP_MS = 0.1;
/** and copying from the page cache brings at least so much; most disks do not. */
const BYTES_PER_MS_MIN = 2_000_000;
/** Quick reads in a row before the loop is trusted with one, at first and after it had to wait. */
const TRIAL_READS = 4;
const TRIAL_READS_AFTER_WAIT = 64;
/** A read that takes so long has waited for a disk, though the system does not count it: some network file systems are like that. */
const DISK_MS = 20;

export class ReadPace {
  readonly #disks: Pick<FileSystem, 'diskReads'>;
  /** At the last slow read. */
  #diskReads: number;
  #trialReads = TRIAL_READS;
  #quickReads = 0;

  constructor(disks: Pick<FileSystem, 'diskReads'>) {
    this.#disks = disks;
    this.#diskReads = disks.diskReads();
  }

  /** Whether the next read may have to wait for the disk. */
  get mayWait(): boolean {
    return this.#quickReads < this.#trialReads;
  }

  /** Off the loop a read took `tookMs`. */
  noteOffLoop(tookMs: number): void {
    const isSlow = tookMs > QUICK_OFF_LOOP_MS && this.#mayHaveBeenTheDisk(tookMs);
    this.#quickReads = isSlow ? 0 : this.#quickReads + 1;
  }

  /** On the loop one of `sizeInBytes` took `tookMs`. */
  noteOnLoop(tookMs: number, sizeInBytes: number): void {
    const isQuick = tookMs <= QUICK_ON_LOOP_MS + sizeInBytes / BYTES_PER_MS_MIN;
    if (isQuick || !this.#mayHaveBeenTheDisk(tookMs)) return;
    this.#quickReads = 0;
    this.#trialReads = TRIAL_READS_AFTER_WAIT;
  }

  #mayHaveBeenTheDisk(tookMs: number): boolean {
    const before = this.#diskReads;
    this.#diskReads = this.#disks.diskReads();
    return this.#diskReads !== before || tookMs > DISK_MS;
  }
}
