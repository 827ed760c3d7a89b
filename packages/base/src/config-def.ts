// ConfigDef: one table of keys that parses text values, validates them, and describes and documents itself.
// It knows nothing about where values come from. Source: org.apache.kafka.common.config.ConfigDef and AbstractConfig (3.9).

import { assert, failAssertion, mustBePresent } from './assert.ts';
import type { ConfigValidator } from './config-validators.ts';
import {
  ConfigError,
  type ConfigType,
  type ConfigValue,
  formatConfigValue,
  isListValue,
  Password,
  parseConfigValue,
} from './config-values.ts';

export type ConfigImportance = 'high' | 'medium' | 'low';

export interface ConfigKey {
  readonly name: string;
  readonly type: ConfigType;
  /** As text, in the spelling Kafka prints. null: unset. Absent: the key must be given. */
  readonly default?: string | null;
  readonly validator?: ConfigValidator;
  readonly importance: ConfigImportance;
  /** One or two sentences. */
  readonly doc: string;
  /** Names under which a less specific setting of the same thing is given, most specific first (`log.retention.hours`). */
  readonly synonyms?: readonly string[];
}

/** Text values by key; null unsets. */
export type ConfigProperties = ReadonlyMap<string, string | null>;

export class ConfigDef<Key extends ConfigKey = ConfigKey> {
  /** By name, in the order given. */
  readonly keys: ReadonlyMap<string, Key>;

  constructor(keys: Iterable<Key>) {
    const byName = new Map<string, Key>();
    for (const key of keys) {
      assert(!byName.has(key.name), `configuration ${key.name} is defined twice`);
      byName.set(key.name, key);
    }
    this.keys = byName;
  }

  get(name: string): Key | undefined {
    return this.keys.get(name);
  }

  has(name: string): boolean {
    return this.keys.has(name);
  }

  /** Every key's typed and checked value: the given one, or its default. @throws ConfigError at the first bad or missing one */
  parse(properties: ConfigProperties): ParsedConfig {
    const values = new Map<string, ConfigValue>();
    for (const key of this.keys.values()) values.set(key.name, this.#parseKey(key, properties));
    const unknownKeys = [...properties.keys()].filter((name) => !this.keys.has(name));
    return new ParsedConfig(this, values, new Map(properties), unknownKeys);
  }

  /** One value, typed and checked. @throws ConfigError when the key is unknown or the value bad */
  parseValue(name: string, text: string): ConfigValue {
    const key = this.keys.get(name);
    if (key === undefined) throw new ConfigError(`Unknown configuration ${name}`);
    return parseChecked(key, text);
  }

  /** The typed default. @throws ConfigError when there is none */
  defaultValue(name: string): ConfigValue {
    return this.#parseKey(mustBePresent(this.keys.get(name), `configuration ${name}`), new Map());
  }

  /** A Markdown table of all keys, by name. */
  document(): string {
    const rows = [...this.keys.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(documentKey);
    return ['| key | type | default | valid | meaning |', '|---|---|---|---|---|', ...rows, ''].join('\n');
  }

  #parseKey(key: Key, properties: ConfigProperties): ConfigValue {
    const given = properties.get(key.name);
    if (given !== undefined && given !== null) return parseChecked(key, given);
    if (key.default === undefined) {
      throw new ConfigError(`Missing required configuration "${key.name}" which has no default value.`);
    }
    if (key.default === null) return null;
    return parseChecked(key, key.default);
  }
}

/** The values of one configuration, by name and type. Asking for an unknown key, or with the wrong type, is a bug of ours. */
export class ParsedConfig {
  readonly def: ConfigDef;
  /** What was given, as text. */
  readonly originals: ConfigProperties;
  /** Given keys that the table does not have, in the order given. */
  readonly unknownKeys: readonly string[];
  readonly #values: ReadonlyMap<string, ConfigValue>;

  constructor(
    def: ConfigDef,
    values: ReadonlyMap<string, ConfigValue>,
    originals: ConfigProperties,
    unknownKeys: readonly string[],
  ) {
    this.def = def;
    this.originals = originals;
    this.unknownKeys = unknownKeys;
    this.#values = values;
  }

  value(name: string): ConfigValue {
    const value = this.#values.get(name);
    return value === undefined ? failAssertion(`no configuration is called ${name}`) : value;
  }

  /** Was the key given, rather than left to its default? */
  isGiven(name: string): boolean {
    return (this.originals.get(name) ?? null) !== null;
  }

  number(name: string): number {
    const value = this.value(name);
    return typeof value === 'number' ? value : failAssertion(`configuration ${name} is not a number`);
  }

  numberOrNull(name: string): number | null {
    return this.value(name) === null ? null : this.number(name);
  }

  boolean(name: string): boolean {
    const value = this.value(name);
    assert(typeof value === 'boolean', `configuration ${name} is not a boolean`);
    return value;
  }

  string(name: string): string {
    const value = this.value(name);
    assert(typeof value === 'string', `configuration ${name} is not a string`);
    return value;
  }

  stringOrNull(name: string): string | null {
    return this.value(name) === null ? null : this.string(name);
  }

  list(name: string): readonly string[] {
    const value = this.value(name);
    assert(isListValue(value), `configuration ${name} is not a list`);
    return value;
  }

  password(name: string): Password | null {
    const value = this.value(name);
    assert(value === null || value instanceof Password, `configuration ${name} is not a password`);
    return value;
  }

  /** The value's text as Kafka prints it. A long keeps the digits it was given. */
  text(name: string): string | null {
    const { type } = mustBePresent(this.def.get(name), `configuration ${name}`);
    const value = this.value(name);
    const given = this.originals.get(name) ?? null;
    if (type === 'long' && given !== null && !isExact(value)) return BigInt(given.trim().replace(/^\+/, '')).toString();
    return formatConfigValue(value, type);
  }
}

/** False for a long that may have been saturated. */
function isExact(value: ConfigValue): boolean {
  return typeof value !== 'number' || Math.abs(value) < Number.MAX_SAFE_INTEGER;
}

function parseChecked(key: ConfigKey, text: string): ConfigValue {
  const value = parseConfigValue(key.name, text, key.type);
  key.validator?.ensureValid(key.name, value, key.type);
  return value;
}

function documentKey(key: ConfigKey): string {
  const shownDefault = key.default === undefined ? '(must be given)' : key.default === null ? '' : `\`${key.default}\``;
  const cells = [`\`${key.name}\``, key.type, shownDefault, key.validator?.description ?? '', key.doc];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
