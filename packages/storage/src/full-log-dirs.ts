// Which log dirs are full, as far as writes to them tell: so that an operator reads of each episode when it begins and when it is over, and
// not of every append that was refused in between.

import { type Clock, KafkaError, type Logger, NoSpaceError } from '@ottla/base';

/** Near its end a volume refuses what is large and takes what is small: it is full until nothing was refused for so long. */
const EPISODE_QUIET_MS = 10_000;

/** Was it refused for want of space only? Then nothing changed, and it may be tried again. */
export function isRefusedForSpace(error: unknown): boolean {
  return error instanceof KafkaError && error.cause instanceof NoSpaceError;
}

interface Episode {
  readonly sinceMs: number;
  lastRefusedMs: number;
  refusals: number;
}

export class FullLogDirs {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #episodes = new Map<string, Episode>();

  constructor(options: { clock: Clock; logger: Logger }) {
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  get isAnyFull(): boolean {
    return this.#episodes.size > 0;
  }

  /** Something was to be written in `logDirectory`, and nothing changed. */
  onRefused(logDirectory: string, error: NoSpaceError): void {
    const nowMs = this.#clock.monotonicMs();
    const episode = this.#episodes.get(logDirectory);
    if (episode !== undefined) {
      episode.lastRefusedMs = nowMs;
      episode.refusals++;
      return;
    }
    this.#episodes.set(logDirectory, { sinceMs: nowMs, lastRefusedMs: nowMs, refusals: 1 });
    this.#logger.error('a log dir has no space left: what needs some is refused until there is', {
      logDirectory,
      problem: error.message,
    });
  }

  /** An append went through. */
  onWritten(logDirectory: string): void {
    const episode = this.#episodes.get(logDirectory);
    if (episode === undefined) return;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - episode.lastRefusedMs < EPISODE_QUIET_MS) return;
    this.#episodes.delete(logDirectory);
    this.#logger.info('a log dir has space again', {
      logDirectory,
      refusals: episode.refusals,
      tookMs: episode.lastRefusedMs - episode.sinceMs,
    });
  }

  /** It went offline: its space matters no more. */
  forget(logDirectory: string): void {
    this.#episodes.delete(logDirectory);
  }
}
