// Threads that are none: the cleaner's program over the same disk in memory, with messages that are copied all the same. They may die at any of them.

import type { BackgroundThread, BackgroundThreadListener, BackgroundThreads, Clock, FileSystem } from '@ottla/base';
import type { CleanerReport } from './cleaner-messages.ts';
import { CleanerProgram } from './cleaner-program.ts';

export class CleanerThreadsInProcess implements BackgroundThreads {
  startCount = 0;
  /** Programs that have not ended. */
  runningCount = 0;
  /** Whether a thread dies when it would say this. */
  diesAt: (report: CleanerReport) => boolean = () => false;
  readonly #ports: { readonly fileSystem: FileSystem; readonly clock: Clock };

  constructor(ports: { fileSystem: FileSystem; clock: Clock }) {
    this.#ports = ports;
  }

  start(_program: URL, { listener }: { listener: BackgroundThreadListener }): BackgroundThread {
    this.startCount++;
    this.runningCount++;
    let isEnded = false;
    const end = (): void => {
      if (!isEnded) this.runningCount--;
      isEnded = true;
    };
    const deliver = (message: unknown, to: (message: unknown) => void): void => {
      const copy = structuredClone(message);
      queueMicrotask(() => isEnded || to(copy));
    };
    let toProgram: (message: unknown) => void = () => {};
    const toHost = (message: unknown): void => {
      if (isEnded) return;
      if (this.diesAt(message as CleanerReport)) {
        end();
        queueMicrotask(() => listener.onDied(new Error('out of memory')));
      } else deliver(message, (copy) => listener.onMessage(copy));
    };
    const listen = (to: typeof toProgram): void => {
      toProgram = to;
    };
    const parent = { listen, post: toHost };
    queueMicrotask(() => new CleanerProgram(parent, this.#ports).start());
    return {
      post: (message) => queueMicrotask(() => deliver(message, (copy) => toProgram(copy))),
      ref() {},
      unref() {},
      close: async () => end(),
    };
  }
}
