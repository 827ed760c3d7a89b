// A cleaner on the event loop, in slices of a millisecond with as long a rest after each: half of the loop's time is left to those who are
// served meanwhile. Where there is a thread for it, cleaner-thread.ts takes its place.

import { type Clock, type FileSystem, sleep, yieldToEventLoop } from '@ottla/base';
import { Cleaner } from './cleaner.ts';
import type { CleaningHost, CleaningPlace, CleaningSlice, CleanResult } from './cleaning-host.ts';
import type { CleaningWork } from './cleaning-work.ts';

const LIMITS = { sliceMs: 1, sliceBytes: 512 * 1024 };

export class InlineCleaning implements CleaningPlace {
  readonly #fileSystem: FileSystem;
  readonly #clock: Clock;

  constructor(ports: { fileSystem: FileSystem; clock: Clock }) {
    this.#fileSystem = ports.fileSystem;
    this.#clock = ports.clock;
  }

  clean(work: CleaningWork, host: CleaningHost): Promise<CleanResult> {
    const resting: CleaningHost = {
      onSlice: async (slice) => host.onSlice(await this.#rest(slice)),
      onGroupCleaned: (baseOffsets) => host.onGroupCleaned(baseOffsets),
    };
    const ports = { fileSystem: this.#fileSystem, clock: this.#clock };
    return new Cleaner(work, { ...ports, host: resting, limits: LIMITS, mayBlock: false }).clean();
  }

  async close(): Promise<void> {}

  /** @returns the slice with its rest */
  async #rest({ bytes, tookMs }: CleaningSlice): Promise<CleaningSlice> {
    const endMs = this.#clock.monotonicMs();
    if (tookMs >= 1) await sleep(this.#clock, tookMs);
    else await yieldToEventLoop();
    return { bytes, tookMs: tookMs + (this.#clock.monotonicMs() - endMs) };
  }
}
