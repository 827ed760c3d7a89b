// Segments that are out of their log and not yet off the disk: their files have other names at once, so that a crash finishes the deletion at
// the next start, and go after file.delete.delay.ms, since a fetch may still be about to open them.
// Source: Kafka's LocalLog.deleteSegmentFiles (3.9).

import { type Clock, LazyMap, StorageError, type Timer } from '@ottla/base';
import { DELETED_SUFFIX } from './log-file-names.ts';
import type { LogSegment } from './log-segment.ts';

export class DeletedSegments {
  readonly #clock: Clock;
  readonly #onFailure: (error: StorageError) => void;
  /** Deletions that are under way, one after the other; undefined: there were none. */
  #running: Promise<void> | undefined;
  readonly #pending = new LazyMap<Timer, readonly LogSegment[]>();

  constructor(options: { clock: Clock; onFailure: (error: StorageError) => void }) {
    this.#clock = options.clock;
    this.#onFailure = options.onFailure;
  }

  add(segments: readonly LogSegment[], delayMs: number): void {
    for (const segment of segments) {
      if (!segment.hasSuffix(DELETED_SUFFIX)) segment.changeFileSuffixes('', DELETED_SUFFIX);
    }
    const timer = this.#clock.schedule(delayMs, () => {
      this.#pending.delete(timer);
      this.#running = this.idle().then(() => this.#deleteNow(segments));
    });
    this.#pending.set(timer, segments);
  }

  /** The log's directory has another name. */
  movedTo(directory: string): void {
    for (const segments of this.#pending.entries.values()) for (const segment of segments) segment.movedTo(directory);
  }

  /** Resolves when no deletion is under way. */
  async idle(): Promise<void> {
    await this.#running;
  }

  /** What waits is left to the next start. */
  close(): void {
    for (const timer of this.#pending.entries.keys()) timer.cancel();
    this.#pending.clear();
  }

  async #deleteNow(segments: readonly LogSegment[]): Promise<void> {
    try {
      for (const segment of segments) await segment.delete();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      this.#onFailure(error);
    }
  }
}
