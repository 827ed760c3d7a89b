// A cleaner in a thread of its own, as Kafka's cleaner threads, as its host sees it. The thread starts when there is something to clean, and
// ends when there was nothing for a while: it takes 15 MB even when it does nothing.

import { assert, type BackgroundThread, type BackgroundThreads, type Clock, type Timer } from '@ottla/base';
import { type CleanerReport, type CleanerRequest, fromSentError, toSentError } from './cleaner-messages.ts';
import type { CleaningHost, CleaningPlace, CleanResult } from './cleaning-host.ts';
import type { CleaningWork } from './cleaning-work.ts';

const PROGRAM = new URL('./cleaner-thread-main.js', import.meta.url);
const IDLE_MS = 10_000;

/** The thread ended in the middle of its work, or could not be started. What was replaced before is; the rest of the log is as it was. */
export class CleanerThreadDiedError extends Error {
  override readonly name = 'CleanerThreadDiedError';
  /** Whether it was at work, so that the log may be to blame. */
  readonly wasReady: boolean;

  constructor(cause: Error, wasReady: boolean) {
    super(wasReady ? 'the cleaner thread died' : 'the cleaner thread cannot be started', { cause });
    this.wasReady = wasReady;
  }
}

interface Cleaning {
  readonly host: CleaningHost;
  readonly resolve: (result: CleanResult) => void;
  readonly reject: (error: unknown) => void;
  /** Why the host stopped it. The thread ends its work first: then nothing touches the files any more. */
  refusal: { readonly error: unknown } | undefined;
}

export class CleanerThread implements CleaningPlace {
  readonly #threads: BackgroundThreads;
  readonly #clock: Clock;
  readonly #name: string;
  #thread: BackgroundThread | undefined;
  #isReady = false;
  #cleaning: Cleaning | undefined;
  /** Ends the thread. */
  #idleTimer: Timer | undefined;

  /** @param options.id of the cleaner */
  constructor(options: { threads: BackgroundThreads; clock: Clock; id: number }) {
    this.#threads = options.threads;
    this.#clock = options.clock;
    this.#name = `log-cleaner-${options.id}`;
  }

  /** @throws CleanerThreadDiedError, and what a cleaner throws */
  async clean(work: CleaningWork, host: CleaningHost): Promise<CleanResult> {
    assert(this.#cleaning === undefined, 'a log is being cleaned');
    this.#idleTimer?.cancel();
    try {
      return await new Promise<CleanResult>((resolve, reject) => {
        this.#cleaning = { host, resolve, reject, refusal: undefined };
        this.#thread ??= this.#start();
        // While it works the process may not end: somebody may wait for it to stop.
        this.#thread.ref();
        this.#request({ type: 'clean', work });
      });
    } finally {
      this.#cleaning = undefined;
      this.#thread?.unref();
      this.#idleTimer = this.#clock.schedule(IDLE_MS, () => void this.close());
    }
  }

  async close(): Promise<void> {
    this.#idleTimer?.cancel();
    const thread = this.#thread;
    this.#thread = undefined;
    await thread?.close();
  }

  #start(): BackgroundThread {
    this.#isReady = false;
    const listener = {
      onMessage: (message: unknown) => this.#onReport(message as CleanerReport),
      onDied: (error: Error) => this.#onDied(error),
    };
    return this.#threads.start(PROGRAM, { name: this.#name, listener });
  }

  #onReport(report: CleanerReport): void {
    if (report.type === 'ready') {
      this.#isReady = true;
      return;
    }
    const cleaning = this.#cleaning;
    assert(cleaning !== undefined, `the cleaner thread reports ${report.type} and has nothing to do`);
    switch (report.type) {
      case 'slice':
        void this.#answer(cleaning, cleaning.host.onSlice(report.slice));
        return;
      case 'groupCleaned':
        void this.#answer(cleaning, cleaning.host.onGroupCleaned(report.baseOffsets));
        return;
      case 'done':
        cleaning.resolve(report.result);
        return;
      case 'failed':
        cleaning.reject(cleaning.refusal === undefined ? fromSentError(report.error) : cleaning.refusal.error);
        return;
      default:
        report satisfies never;
    }
  }

  /** Never rejects. */
  async #answer(cleaning: Cleaning, answer: Promise<void>): Promise<void> {
    let request: CleanerRequest = { type: 'goOn' };
    try {
      await answer;
    } catch (error) {
      cleaning.refusal = { error };
      request = { type: 'stop', error: toSentError(error) };
    }
    // The thread that asked may have died meanwhile, and another one be at work.
    if (this.#cleaning === cleaning) this.#request(request);
  }

  #request(request: CleanerRequest): void {
    this.#thread?.post(request);
  }

  #onDied(error: Error): void {
    this.#thread = undefined;
    this.#cleaning?.reject(new CleanerThreadDiedError(error, this.#isReady));
  }
}
