// Topic settings: what the broker's settings make of a topic without its own, and whether given ones are allowed.
// Source: kafka.server.KafkaConfig.extractLogConfigMap, LogConfig.validate (3.9).

import { ConfigError, type ConfigProperties, Errors, KafkaError, mustBePresent } from '@ottla/base';
import { type LogConfig, logConfigDef, parseLogConfig } from '@ottla/storage';
import type { KafkaConfig } from './kafka-config.ts';

/** The keys of server.properties that topic settings fall back on. */
export const topicDefaultKeys: readonly string[] = [...logConfigDef.keys.values()].flatMap((key) => key.synonyms ?? []);

/** The broker's settings under their topic names, as text. */
export function topicDefaults(config: KafkaConfig): Map<string, string> {
  const defaults = new Map<string, string>();
  for (const { name, synonyms } of logConfigDef.keys.values()) {
    const brokerKey = synonyms?.[0];
    const text = brokerKey === undefined ? null : (timeSettings.get(name)?.(config) ?? config.values.text(brokerKey));
    if (text !== null) defaults.set(name, text);
  }
  return defaults;
}

/** A topic's settings in force: its own over the broker's. @throws ConfigError */
export function logConfigOf(config: KafkaConfig, topicConfig: ConfigProperties): LogConfig {
  return parseLogConfig(new Map([...topicDefaults(config), ...topicConfig]));
}

/** Are these settings allowed for a topic?
 *  @throws KafkaError INVALID_CONFIG for an unknown name or a contradiction; ConfigError for a bad value */
export function validateTopicConfig(config: KafkaConfig, topicConfig: ConfigProperties): void {
  for (const name of topicConfig.keys()) {
    if (!logConfigDef.has(name)) throw new KafkaError(Errors.INVALID_CONFIG, `Unknown topic config name: ${name}`);
  }
  const { parsed } = parseWithoutContradiction(config, topicConfig);
  if (parsed.boolean('remote.log.delete.on.disable') || parsed.boolean('remote.log.copy.disable')) {
    throw new KafkaError(
      Errors.INVALID_CONFIG,
      "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` under Zookeeper's mode.",
    );
  }
  if (parsed.boolean('remote.storage.enable')) {
    throw new ConfigError(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    );
  }
}

function parseWithoutContradiction(config: KafkaConfig, topicConfig: ConfigProperties): LogConfig {
  try {
    return logConfigOf(config, topicConfig);
  } catch (error) {
    // Kafka says which value of which key is bad in one kind of error, that two settings contradict each other in another.
    if (!(error instanceof ConfigError) || !error.message.startsWith('conflict')) throw error;
    throw new KafkaError(Errors.INVALID_CONFIG, error.message, { cause: error });
  }
}

/** Given in several units. */
const timeSettings = new Map<string, (config: KafkaConfig) => string>([
  ['retention.ms', (config) => longText(config.logRetentionMs)],
  ['segment.ms', (config) => longText(config.logRollMs)],
  ['segment.jitter.ms', (config) => longText(config.logRollJitterMs)],
  ['flush.ms', (config) => longText(config.logFlushIntervalMs)],
]);

function longText(value: number): string {
  if (value < Number.MAX_SAFE_INTEGER) return String(value);
  return mustBePresent(logConfigDef.get('flush.ms')?.default, 'the default of flush.ms');
}
