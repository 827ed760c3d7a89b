// Which loggers there are and from which level on each is heard. BROKER_LOGGER requests read and change it (KIP-412).

import { type LoggerLevels, type LogLevel, ROOT_LOGGER } from '@ottla/broker';

/** Rising: a logger is heard from its level on. */
const RANKS: Readonly<Record<LogLevel, number>> = { TRACE: 10, DEBUG: 20, INFO: 30, WARN: 40, ERROR: 50, FATAL: 60 };

export function rankOf(level: LogLevel): number {
  return RANKS[level];
}

/** A logger's rank in force, shared with whoever writes through it, so that asking costs one read. */
export interface Threshold {
  rank: number;
}

interface NamedLogger {
  readonly threshold: Threshold;
  /** undefined: the root's. */
  level: LogLevel | undefined;
}

export class LogLevels implements LoggerLevels {
  readonly #loggers = new Map<string, NamedLogger>();
  #rootLevel: LogLevel;

  constructor(rootLevel: LogLevel) {
    this.#rootLevel = rootLevel;
    this.threshold(ROOT_LOGGER);
  }

  /** Makes the logger known. */
  threshold(loggerName: string): Threshold {
    return this.#logger(loggerName).threshold;
  }

  levels(): ReadonlyMap<string, LogLevel> {
    return new Map([...this.#loggers].map(([name, { level }]) => [name, level ?? this.#rootLevel]));
  }

  setLevel(loggerName: string, level: LogLevel): void {
    if (loggerName === ROOT_LOGGER) this.#rootLevel = level;
    else this.#logger(loggerName).level = level;
    this.#refresh();
  }

  unsetLevel(loggerName: string): void {
    this.#logger(loggerName).level = undefined;
    this.#refresh();
  }

  #logger(name: string): NamedLogger {
    let logger = this.#loggers.get(name);
    if (logger === undefined) {
      logger = { threshold: { rank: RANKS[this.#rootLevel] }, level: undefined };
      this.#loggers.set(name, logger);
    }
    return logger;
  }

  #refresh(): void {
    for (const { threshold, level } of this.#loggers.values()) threshold.rank = RANKS[level ?? this.#rootLevel];
  }
}
