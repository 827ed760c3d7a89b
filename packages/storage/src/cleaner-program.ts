// The cleaner at the other end: does what it is sent, and asks its host after every slice. One log at a time.

import { assert, type Clock, type FileSystem, mustBePresent, type ThreadParent } from '@ottla/base';
import { Cleaner } from './cleaner.ts';
import { type CleanerReport, type CleanerRequest, fromSentError, toSentError } from './cleaner-messages.ts';
import type { CleaningHost, CleaningSlice } from './cleaning-host.ts';
import type { CleaningWork } from './cleaning-work.ts';

/** Nobody else waits for this thread: what bounds a slice is how soon a stop and the speed limit are heeded. */
const LIMITS = { sliceMs: 20, sliceBytes: 1024 * 1024 };

interface Question {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class CleanerProgram implements CleaningHost {
  readonly #parent: ThreadParent;
  readonly #ports: { readonly fileSystem: FileSystem; readonly clock: Clock };
  /** What the host has not answered yet. */
  #question: Question | undefined;
  #isCleaning = false;

  constructor(parent: ThreadParent, ports: { fileSystem: FileSystem; clock: Clock }) {
    this.#parent = parent;
    this.#ports = ports;
  }

  start(): void {
    this.#parent.listen((message) => this.#onRequest(message as CleanerRequest));
    this.#report({ type: 'ready' });
  }

  onSlice(slice: CleaningSlice): Promise<void> {
    return this.#ask({ type: 'slice', slice });
  }

  onGroupCleaned(baseOffsets: readonly number[]): Promise<void> {
    return this.#ask({ type: 'groupCleaned', baseOffsets });
  }

  #onRequest(request: CleanerRequest): void {
    switch (request.type) {
      case 'clean':
        void this.#clean(request.work);
        return;
      case 'goOn':
        this.#answered().resolve();
        return;
      case 'stop':
        this.#answered().reject(fromSentError(request.error));
        return;
      default:
        request satisfies never;
    }
  }

  /** Never rejects. */
  async #clean(work: CleaningWork): Promise<void> {
    assert(!this.#isCleaning, 'a log is being cleaned');
    this.#isCleaning = true;
    try {
      const result = await new Cleaner(work, { ...this.#ports, host: this, limits: LIMITS, mayBlock: true }).clean();
      this.#report({ type: 'done', result });
    } catch (error) {
      this.#report({ type: 'failed', error: toSentError(error) });
    } finally {
      this.#isCleaning = false;
    }
  }

  #ask(report: CleanerReport): Promise<void> {
    assert(this.#question === undefined, 'the host was asked twice');
    return new Promise((resolve, reject) => {
      this.#question = { resolve, reject };
      this.#report(report);
    });
  }

  #answered(): Question {
    const question = mustBePresent(this.#question, 'a question to the host');
    this.#question = undefined;
    return question;
  }

  #report(report: CleanerReport): void {
    this.#parent.post(report);
  }
}
