// Letting the event loop go on in the middle of long work.

/** Resolves after everything that waits for the event loop now had its turn. Long work calls it between bounded slices. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
