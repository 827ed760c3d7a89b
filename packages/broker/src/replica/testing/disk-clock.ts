// A clock that goes on while a disk in memory works: how long work keeps others waiting can be told without waiting.

import { FakeClock, type MemoryFileSystem } from '@ottla/base';

/** Each call of the file system takes so long. */
const CALL_MS = 0.05;

export class DiskClock extends FakeClock {
  /** So long the disk has worked. */
  workedMs = 0;

  override monotonicMs(): number {
    return super.monotonicMs() + this.workedMs;
  }

  /** The disk's work takes time from now on. Under the paths that `isFailing` accepts it is dead. */
  runs(fileSystem: MemoryFileSystem, isFailing: (path: string) => boolean = () => false): void {
    fileSystem.failAllOf = (path) => {
      this.workedMs += CALL_MS;
      return isFailing(path);
    };
  }
}
