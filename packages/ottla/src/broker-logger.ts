// The logger of the program: names and levels as in Kafka, lines written by a sink.

import type { LogFields, Logger } from '@ottla/base';
import { type LogLevel, ROOT_LOGGER } from '@ottla/broker';
import { type LogLevels, rankOf, type Threshold } from './log-levels.ts';

export type WrittenLevel = Exclude<LogLevel, 'FATAL'>;

export interface LogLine {
  readonly level: WrittenLevel;
  /** Kafka's logger name; undefined: the root. */
  readonly logger: string | undefined;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** Writes one line, before it returns. */
export type LogSink = (line: LogLine) => void;

export class BrokerLogger implements Logger {
  readonly #levels: LogLevels;
  readonly #sink: LogSink;
  readonly #name: string;
  readonly #threshold: Threshold;

  constructor(levels: LogLevels, sink: LogSink, name: string = ROOT_LOGGER) {
    this.#levels = levels;
    this.#sink = sink;
    this.#name = name;
    this.#threshold = levels.threshold(name);
  }

  trace(message: string, fields?: LogFields): void {
    this.#write('TRACE', message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('DEBUG', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('INFO', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('WARN', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('ERROR', message, fields);
  }

  child(name: string): Logger {
    return new BrokerLogger(this.#levels, this.#sink, name);
  }

  #write(level: WrittenLevel, message: string, fields: LogFields | undefined): void {
    if (rankOf(level) < this.#threshold.rank) return;
    this.#sink({ level, logger: this.#name === ROOT_LOGGER ? undefined : this.#name, message, fields });
  }
}
