// What a configuration value must satisfy beyond its type. Each validator knows how Kafka words its rule and its refusal.
// Source: the validators inside org.apache.kafka.common.config.ConfigDef (3.9).

import { ConfigError, type ConfigType, type ConfigValue, formatJavaDouble, isListValue } from './config-values.ts';

export interface ConfigValidator {
  /** The rule as Kafka's documentation prints it: `[1,...]`. */
  readonly description: string;
  /** @throws ConfigError with Kafka's message when `value` breaks the rule */
  ensureValid(name: string, value: ConfigValue, type: ConfigType): void;
}

/** A number in [min, ∞). */
export function atLeast(min: number): ConfigValidator {
  return range(`[${min},...]`, min, Number.POSITIVE_INFINITY);
}

/** A number in [min, max]. */
export function between(min: number, max: number): ConfigValidator {
  return range(`[${min},...,${max}]`, min, max);
}

/** A number in [min, max], or `other`. */
export function betweenOr(min: number, max: number, other: number): ConfigValidator {
  return custom(`[${min},...,${max}] or ${other}`, (name, value) => {
    if (value === other || (typeof value === 'number' && value >= min && value <= max)) return;
    throw ConfigError.invalidValue(name, show(value), `Value must be between ${min} and ${max} or equal to ${other}`);
  });
}

/** One of `allowed`, or for a list key every element one of them. */
export function oneOf(...allowed: string[]): ConfigValidator {
  return custom(`[${allowed.join(', ')}]`, (name, value) => {
    for (const element of isListValue(value) ? value : [value]) {
      if (typeof element === 'string' && allowed.includes(element)) continue;
      throw ConfigError.invalidValue(name, show(element), `String must be one of: ${allowed.join(', ')}`);
    }
  });
}

/** One of `allowed`, in any case. */
export function oneOfIgnoringCase(...allowed: string[]): ConfigValidator {
  return custom(`(case insensitive) [${allowed.join(', ')}]`, (name, value) => {
    if (typeof value === 'string' && allowed.some((each) => each.toLowerCase() === value.toLowerCase())) return;
    throw ConfigError.invalidValue(
      name,
      show(value),
      `String must be one of (case insensitive): ${allowed.join(', ')}`,
    );
  });
}

/** A string that, if set, is not empty. */
export const nonEmptyString: ConfigValidator = custom('non-empty string', (name, value) => {
  if (value === '') throw ConfigError.invalidValue(name, '', 'String must be non-empty');
});

/** A string that is set. */
export const nonNullString: ConfigValidator = custom('non-null string', (name, value) => {
  if (value === null) throw ConfigError.invalidValue(name, null, 'entry must be non null');
});

/** A rule of one's own. */
export function custom(description: string, ensureValid: ConfigValidator['ensureValid']): ConfigValidator {
  return { description, ensureValid };
}

/** A value inside a message, as Java prints it. */
export function show(value: ConfigValue, type?: ConfigType): string {
  if (isListValue(value)) return `[${value.join(', ')}]`;
  if (typeof value === 'number' && (type === 'double' || !Number.isInteger(value))) return formatJavaDouble(value);
  return String(value);
}

function range(description: string, min: number, max: number): ConfigValidator {
  return custom(description, (name, value, type) => {
    if (value === null) throw ConfigError.invalidValue(name, null, 'Value must be non-null');
    const refuse = (rule: string) => ConfigError.invalidValue(name, show(value, type), rule);
    // Java lets NaN through: neither comparison holds for it.
    if (Number(value) < min) throw refuse(`Value must be at least ${min}`);
    if (Number(value) > max) throw refuse(`Value must be no more than ${max}`);
  });
}
