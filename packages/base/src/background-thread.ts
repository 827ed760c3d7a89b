// The port to threads: long work that must not keep the event loop from those who are served. A program runs in a thread of its own, and
// the two send each other messages that are copied, never shared. Implementation: node-background-thread.ts. Where none is given, work is done
// on the event loop in slices, as tests and the simulation do it.

export interface BackgroundThread {
  /** Sends a copy. Nothing happens once the program has ended. */
  post(message: unknown): void;
  /** Until `ref`, the process may end though the thread has not. Both are safe to call twice, and after the end. */
  unref(): void;
  ref(): void;
  /** Ends the program wherever it is. Resolves when nothing of it runs any more; safe to call twice. */
  close(): Promise<void>;
}

export interface BackgroundThreadListener {
  onMessage(message: unknown): void;
  /** The program ended, and nobody had called `close`: it could not start, it threw, it ran out of memory. Called once at most. */
  onDied(error: Error): void;
}

export interface BackgroundThreads {
  /** @param program a module of JavaScript. @param options.name for debuggers and the system's list of threads */
  start(program: URL, options: { name: string; listener: BackgroundThreadListener }): BackgroundThread;
}

/** What the program in a thread knows of who started it. */
export interface ThreadParent {
  /** @param listener hears of every message that came since the program began; given once */
  listen(listener: (message: unknown) => void): void;
  post(message: unknown): void;
}
