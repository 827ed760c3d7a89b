// The port to logging. The product plugs in its own; libraries and tests need no more than this.

/** Values that go beside a message. Names from the network belong here, where the writer escapes them, not into the message. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  trace(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines carry `name`, after Kafka's logger names (`kafka.log.LogManager`), and follow that name's level. */
  child(name: string): Logger;
}

/** Drops everything. */
export const silentLogger: Logger = {
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
