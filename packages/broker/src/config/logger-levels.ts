// The port to the levels of the broker's loggers, which BROKER_LOGGER requests show and change (KIP-412). The logger implements it.

export const LOG_LEVELS = ['DEBUG', 'ERROR', 'FATAL', 'INFO', 'TRACE', 'WARN'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What the root logger is called in requests. */
export const ROOT_LOGGER = 'root';

export interface LoggerLevels {
  /** Every logger there is, root included, with the level in force. */
  levels(): ReadonlyMap<string, LogLevel>;
  setLevel(loggerName: string, level: LogLevel): void;
  /** Back to the root's level. */
  unsetLevel(loggerName: string): void;
}

/** For embedding without a logger: a root that cannot be heard. */
export const noLoggerLevels: LoggerLevels = {
  levels: () => new Map([[ROOT_LOGGER, 'INFO']]),
  setLevel() {},
  unsetLevel() {},
};
