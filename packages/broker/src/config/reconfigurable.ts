// What a part of the broker declares to be told of new values while it runs. Source: kafka.server.BrokerReconfigurable.

import type { ParsedConfig } from '@ottla/base';

export interface Reconfigurable {
  /** For the log: `LogCleaner`. */
  readonly name: string;
  /** The keys whose change concerns it. */
  readonly keys: readonly string[];
  /** May refuse values before they come into force. @throws ConfigError */
  validate?(current: ParsedConfig, wanted: ParsedConfig): void;
  /** Called after the values are in force. */
  reconfigure(previous: ParsedConfig, current: ParsedConfig): void;
}

/** Keys of `keys` whose values differ. */
export function changedKeys(keys: Iterable<string>, a: ParsedConfig, b: ParsedConfig): string[] {
  return [...keys].filter((key) => a.text(key) !== b.text(key));
}
