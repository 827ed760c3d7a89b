// DescribeConfigs: every setting of a resource with its value, where that comes from, and what stands behind it.
// Source: kafka.server.ConfigHelper (3.9), KIP-133, KIP-226, KIP-412, KIP-569.

import {
  type ConfigDef,
  ConfigError,
  type ConfigKey,
  type ConfigType,
  Errors,
  formatConfigValue,
  KafkaError,
  parseConfigValue,
} from '@ottla/base';
import { logConfigDef } from '@ottla/storage';
import { brokerConfigDef } from './broker-config-def.ts';
import { clientMetricsConfigDef } from './client-metrics-config.ts';
import { ConfigSource } from './config-resource.ts';
import type { DynamicBrokerConfig } from './dynamic-broker-config.ts';
import { brokerConfigKeyOf, brokerConfigSynonyms, isDynamicBrokerConfig } from './dynamic-config-defs.ts';
import type { KafkaConfig } from './kafka-config.ts';
import type { LoggerLevels } from './logger-levels.ts';
import { logConfigOf } from './topic-config.ts';

export interface ConfigSynonym {
  readonly name: string;
  /** null when it is a secret. */
  readonly value: string | null;
  readonly source: number;
}

export interface DescribedConfig extends ConfigSynonym {
  readonly readOnly: boolean;
  readonly isSensitive: boolean;
  /** Most specific first; the first one is in force. */
  readonly synonyms: readonly ConfigSynonym[];
  /** The number on the wire. */
  readonly configType: number;
  readonly documentation: string | null;
}

const TYPE_NUMBERS: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
};
const UNKNOWN_TYPE = 0;

type TextMap = ReadonlyMap<string, string | null>;

export class ConfigDescriber {
  readonly #config: KafkaConfig;
  readonly #dynamic: DynamicBrokerConfig;

  constructor(config: KafkaConfig, dynamic: DynamicBrokerConfig) {
    this.#config = config;
    this.#dynamic = dynamic;
  }

  /** @param topicConfig what was set for the topic */
  describeTopic(topicConfig: ReadonlyMap<string, string>): DescribedConfig[] {
    const { parsed } = logConfigOf(this.#config, topicConfig);
    return [...logConfigDef.keys.values()].map((key) => {
      const behind = this.#synonyms(key.synonyms ?? [], false, true);
      const own = topicConfig.get(key.name);
      const synonyms =
        own === undefined ? behind : [{ name: key.name, value: own, source: ConfigSource.TOPIC_CONFIG }, ...behind];
      return describe(key, { value: parsed.text(key.name), synonyms, readOnly: false });
    });
  }

  /** All settings of this broker: Kafka's public keys, and whatever else was set. */
  describeBroker(): DescribedConfig[] {
    const { values } = this.#config;
    const names = new Set<string>();
    for (const key of brokerConfigDef.keys.values()) if (key.internal !== true) names.add(key.name);
    for (const [name, value] of values.originals) if (value !== null) names.add(name);
    for (const name of this.#dynamic.currentDynamicBrokerConfigs.keys()) names.add(name);
    return [...names].map((name) => {
      const value = brokerConfigDef.has(name) ? values.text(name) : (values.originals.get(name) ?? null);
      return this.#describeBrokerConfig(name, value, true);
    });
  }

  /** What was set for all brokers at once. */
  describeBrokerDefault(): DescribedConfig[] {
    return [...this.#dynamic.currentDynamicDefaultConfigs].map(([name, value]) =>
      this.#describeBrokerConfig(name, value, false),
    );
  }

  describeLoggers(levels: LoggerLevels): DescribedConfig[] {
    return [...levels.levels()].map(([name, value]) => ({
      name,
      value,
      source: ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG,
      readOnly: false,
      isSensitive: false,
      synonyms: [],
      configType: TYPE_NUMBERS.string,
      documentation: null,
    }));
  }

  describeClientMetrics(stored: ReadonlyMap<string, string>): DescribedConfig[] {
    const parsed = clientMetricsConfigDef.parse(stored);
    return [...clientMetricsConfigDef.keys.values()].map((key) => {
      const isSet = stored.has(key.name);
      const source = isSet ? ConfigSource.CLIENT_METRICS_CONFIG : ConfigSource.DEFAULT_CONFIG;
      const value = parsed.text(key.name);
      return describe(key, { value, synonyms: [{ name: key.name, value, source }], readOnly: false });
    });
  }

  #describeBrokerConfig(name: string, value: string | null, perBroker: boolean): DescribedConfig {
    const key = brokerConfigKeyOf(name);
    const isSensitive = key === undefined || key.type === 'password';
    const synonyms = this.#synonyms(brokerConfigSynonyms(name), isSensitive, perBroker);
    return {
      name,
      value: isSensitive ? null : canonical(name, value, key),
      source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
      readOnly: !isDynamicBrokerConfig(name),
      isSensitive,
      synonyms,
      configType: key === undefined ? UNKNOWN_TYPE : TYPE_NUMBERS[key.type],
      documentation: key?.doc ?? null,
    };
  }

  /** @param perBroker false: only what was set for all brokers */
  #synonyms(names: readonly string[], isSensitive: boolean, perBroker: boolean): ConfigSynonym[] {
    const synonyms: ConfigSynonym[] = [];
    const add = (from: TextMap, source: number) => {
      for (const name of names) {
        const value = from.get(name) ?? null;
        if (value !== null) synonyms.push({ name, value: isSensitive ? null : value, source });
      }
    };
    if (perBroker) add(this.#dynamic.currentDynamicBrokerConfigs, ConfigSource.DYNAMIC_BROKER_CONFIG);
    add(this.#dynamic.currentDynamicDefaultConfigs, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
    if (perBroker) add(this.#config.staticProperties, ConfigSource.STATIC_BROKER_CONFIG);
    if (perBroker) add(defaultsOf(brokerConfigDef, names), ConfigSource.DEFAULT_CONFIG);
    // A value under a coarser name only counts behind one under the name itself, as in Kafka's configSynonyms.
    const first = synonyms.findIndex(({ name }) => name === names[0]);
    return first === -1 ? [] : synonyms.slice(first);
  }
}

function describe(
  key: ConfigKey,
  { value, synonyms, readOnly }: { value: string | null; synonyms: readonly ConfigSynonym[]; readOnly: boolean },
): DescribedConfig {
  return {
    name: key.name,
    value,
    source: synonyms[0]?.source ?? ConfigSource.DEFAULT_CONFIG,
    readOnly,
    isSensitive: false,
    synonyms,
    configType: TYPE_NUMBERS[key.type],
    documentation: key.doc,
  };
}

/** The value as Kafka prints it after parsing: without blanks, doubles as Java's. */
function canonical(name: string, value: string | null, key: ConfigKey): string | null {
  if (value === null) return null;
  try {
    return key.type === 'long' ? value.trim() : formatConfigValue(parseConfigValue(name, value, key.type), key.type);
  } catch (error) {
    if (error instanceof ConfigError) throw new KafkaError(Errors.INVALID_CONFIG, error.message, { cause: error });
    throw error;
  }
}

function defaultsOf(def: ConfigDef, names: readonly string[]): TextMap {
  return new Map(names.map((name) => [name, def.get(name)?.default ?? null]));
}
