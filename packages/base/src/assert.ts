// Assertions on our own code. A failed one is a bug of ours, never bad input: input gets a typed error where it is read.

/** Thrown when the program contradicts itself. Nothing but the process's last line of defence catches it. */
export class AssertionFailedError extends Error {
  override readonly name = 'AssertionFailedError';
}

/** Stops unless `condition` holds. @throws AssertionFailedError */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionFailedError(message);
}

/** Stops. For hot paths: `assert` has its message made each time, also when nothing is wrong. @throws AssertionFailedError */
export function failAssertion(message: string): never {
  throw new AssertionFailedError(message);
}

/** The value, which must be there. @throws AssertionFailedError when it is null or undefined */
export function mustBePresent<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new AssertionFailedError(`${what} is missing`);
  return value;
}
