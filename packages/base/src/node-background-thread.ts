// Threads by node:worker_threads. The only place that loads it, when the first one starts: it takes 4 MB.

import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';
import type { Worker } from 'node:worker_threads';
import { mustBePresent } from './assert.ts';
import type {
  BackgroundThread,
  BackgroundThreadListener,
  BackgroundThreads,
  ThreadParent,
} from './background-thread.ts';

/** Of the youngest objects, which Node gives three times as much: 15 MB resident for nothing that could be measured. */
const YOUNG_GENERATION_MB = 8;

export class NodeBackgroundThreads implements BackgroundThreads {
  start(program: URL, options: { name: string; listener: BackgroundThreadListener }): BackgroundThread {
    return new NodeBackgroundThread(program, options);
  }
}

class NodeBackgroundThread implements BackgroundThread {
  readonly #worker: Worker;
  readonly #listener: BackgroundThreadListener;
  #isEnded = false;

  constructor(program: URL, options: { name: string; listener: BackgroundThreadListener }) {
    this.#listener = options.listener;
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
    this.#worker = new (workerThreads().Worker)(program, { name: options.name, resourceLimits });
    this.#worker.on('message', (message: unknown) => {
      if (!this.#isEnded) this.#listener.onMessage(message);
    });
    this.#worker.on('messageerror', (error) => this.#onEnded(error));
    this.#worker.on('error', (error: unknown) => this.#onEnded(asError(error)));
    this.#worker.on('exit', (code) => this.#onEnded(new Error(`the thread ${options.name} ended with code ${code}`)));
  }

  post(message: unknown): void {
    if (!this.#isEnded) this.#worker.postMessage(message);
  }

  unref(): void {
    this.#worker.unref();
  }

  ref(): void {
    this.#worker.ref();
  }

  async close(): Promise<void> {
    this.#isEnded = true;
    await this.#worker.terminate();
  }

  #onEnded(error: Error): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#listener.onDied(error);
  }
}

/** For the program in a thread. It may only take what nobody else of this process wants of the processors. */
export function nodeThreadParent(): ThreadParent {
  lowerPriority();
  const port = mustBePresent(workerThreads().parentPort, 'who started this thread');
  return {
    listen: (listener) => void port.on('message', listener),
    post: (message) => port.postMessage(message),
  };
}

function workerThreads(): typeof import('node:worker_threads') {
  return process.getBuiltinModule('node:worker_threads');
}

/** Of this thread alone, which only Linux lets a thread do; elsewhere all threads are alike. */
function lowerPriority(): void {
  if (process.platform !== 'linux') return;
  const threadId = Number(basename(readlinkSync('/proc/thread-self')));
  setPriority(threadId, constants.priority.PRIORITY_LOW);
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
