// Turns the text of a configuration value into a typed value and back, by Kafka's rules.
// Source: org.apache.kafka.common.config.ConfigDef.parseType and convertToString (3.9).

export type ConfigType = 'boolean' | 'string' | 'int' | 'short' | 'long' | 'double' | 'list' | 'class' | 'password';

/** What a key holds once parsed. Longs are numbers, saturated at ±(2^53−1). null: not set and without a default. */
export type ConfigValue = boolean | number | string | readonly string[] | Password | null;

/** A value or a combination of values that is not allowed. The message is a sentence for the person who wrote it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  /** Kafka's wording: which value of which key, and what is wrong with it. */
  static invalidValue(name: string, shownValue: string | null, problem?: string): ConfigError {
    const what = `Invalid value ${shownValue} for configuration ${name}`;
    return new ConfigError(problem === undefined ? what : `${what}: ${problem}`);
  }
}

/** A secret: prints as `[hidden]` wherever it is printed by accident. */
export class Password {
  static readonly HIDDEN = '[hidden]';
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** The secret itself. */
  reveal(): string {
    return this.#secret;
  }

  toString(): string {
    return Password.HIDDEN;
  }

  toJSON(): string {
    return Password.HIDDEN;
  }
}

const INTEGER_TEXT = /^[+-]?\d+$/;
const DOUBLE_TEXT = /^[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)$/;
const WIDTH_BITS = { short: 16, int: 32, long: 64 } as const;
const LONG_TEXT_MAX = '9223372036854775807';
const LONG_TEXT_MIN = '-9223372036854775808';

export function isListValue(value: ConfigValue): value is readonly string[] {
  return Array.isArray(value);
}

/** Reads `text` as `type`. Surrounding blanks do not count. @throws ConfigError with Kafka's message */
export function parseConfigValue(name: string, text: string, type: ConfigType): ConfigValue {
  const trimmed = text.trim();
  switch (type) {
    case 'boolean':
      return parseBoolean(name, text, trimmed.toLowerCase());
    case 'string':
    case 'class':
      return trimmed;
    case 'password':
      return new Password(trimmed);
    case 'list':
      return trimmed === '' ? [] : trimmed.split(/\s*,\s*/);
    case 'double':
      return parseDouble(name, text, trimmed);
    case 'short':
    case 'int':
    case 'long':
      return parseInteger(name, text, trimmed, type);
    default:
      return type satisfies never;
  }
}

/** The text Kafka prints for a typed value; a saturated long prints as the end of the int64 range. */
export function formatConfigValue(value: ConfigValue, type: ConfigType): string | null {
  if (value === null) return null;
  if (value instanceof Password) return value.reveal();
  if (typeof value === 'number') return type === 'double' ? formatJavaDouble(value) : formatInteger(value, type);
  return isListValue(value) ? value.join(',') : String(value);
}

/** How Java prints a double: `0.5`, `150.0`, `1.048576E7`. Quota values in the tree are written so. */
export function formatJavaDouble(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
  const magnitude = Math.abs(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [digits = '', exponent = ''] = value.toExponential().split('e');
  const mantissa = digits.includes('.') ? digits : `${digits}.0`;
  return `${mantissa}E${exponent.replace('+', '')}`;
}

function parseBoolean(name: string, text: string, lowered: string): boolean {
  if (lowered === 'true') return true;
  if (lowered === 'false') return false;
  throw ConfigError.invalidValue(name, text, 'Expected value to be either true or false');
}

function parseInteger(name: string, text: string, trimmed: string, type: 'short' | 'int' | 'long'): number {
  const notANumber = () => ConfigError.invalidValue(name, text, `Not a number of type ${type.toUpperCase()}`);
  // 40 characters hold any int64 with room for leading zeroes; longer digit strings are not worth a BigInt.
  if (!INTEGER_TEXT.test(trimmed) || trimmed.length > 40) throw notANumber();
  const exact = BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed);
  if (BigInt.asIntN(WIDTH_BITS[type], exact) !== exact) throw notANumber();
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(Number.MIN_SAFE_INTEGER, Number(exact)));
}

function parseDouble(name: string, text: string, trimmed: string): number {
  if (!DOUBLE_TEXT.test(trimmed)) throw ConfigError.invalidValue(name, text, 'Not a number of type DOUBLE');
  return Number(trimmed.replace(/(?<=\d|\.)[fFdD]$/, ''));
}

function formatInteger(value: number, type: ConfigType): string {
  if (type === 'long' && value >= Number.MAX_SAFE_INTEGER) return LONG_TEXT_MAX;
  if (type === 'long' && value <= Number.MIN_SAFE_INTEGER) return LONG_TEXT_MIN;
  return String(value);
}
