// Rules that only some server.properties keys have. Source: the validators of Kafka 3.9's server configs.

import { ConfigError, type ConfigValidator, type ConfigValue, custom, isListValue, show } from '@ottla/base';

const VERSIONS =
  '0.8.0 0.8.1 0.8.2 0.9.0 0.10.0-IV0 0.10.0-IV1 0.10.1-IV0 0.10.1-IV1 0.10.1-IV2 0.10.2-IV0 0.11.0-IV0 0.11.0-IV1 0.11.0-IV2 1.0-IV0 1.1-IV0 2.0-IV0 2.0-IV1 2.1-IV0 2.1-IV1 2.1-IV2 2.2-IV0 2.2-IV1 2.3-IV0 2.3-IV1 2.4-IV0 2.4-IV1 2.5-IV0 2.6-IV0 2.7-IV0 2.7-IV1 2.7-IV2 2.8-IV0 2.8-IV1 3.0-IV0 3.0-IV1 3.1-IV0 3.2-IV0 3.3-IV0 3.3-IV1 3.3-IV2 3.3-IV3 3.4-IV0 3.5-IV0 3.5-IV1 3.5-IV2 3.6-IV0 3.6-IV1 3.6-IV2 3.7-IV0 3.7-IV1 3.7-IV2 3.7-IV3 3.7-IV4 3.8-IV0 3.9-IV0 4.0-IV0 4.0-IV1'.split(
    ' ',
  );

/** A version of Kafka: `2.5`, `2.5.1`, `2.5-IV0`. Source: MetadataVersion.fromVersionString. */
export const kafkaVersion: ConfigValidator = custom(`[${VERSIONS.join(', ')}]`, (name, value) => {
  if (!isKafkaVersion(String(value))) {
    throw ConfigError.invalidValue(name, show(value), `Version ${show(value)} is not a valid version`);
  }
});

/** −1, or at least one thread. */
export const threadPoolSize: ConfigValidator = custom(
  'The default value of -1 means that this will be set to the configured value of remote.log.manager.thread.pool.size, if available; otherwise, it defaults to 10.',
  (name, value) => {
    if (typeof value === 'number' && (value < -1 || value === 0)) {
      throw ConfigError.invalidValue(name, show(value), 'Value can be -1 or greater than 0');
    }
  },
);

/** `id@host:port` each. Source: QuorumConfig.parseVoterConnections. */
export const quorumVoters: ConfigValidator = custom('non-empty list', (name, value) => {
  for (const entry of entriesOf(value)) {
    if (/^\d+@[^\s@:]+:\d{1,5}$/.test(entry)) continue;
    throw new ConfigError(
      `Invalid configuration value for ${name}. Each entry should be in the form \`{id}@{host}:{port}\`.`,
    );
  }
});

/** `host:port` each. Source: QuorumConfig.parseBootstrapServers. */
export const quorumBootstrapServers: ConfigValidator = custom('non-empty list', (name, value) => {
  for (const entry of entriesOf(value)) {
    if (/^\S+:\d{1,5}$/.test(entry)) continue;
    throw new ConfigError(
      `Failed to parse host name from ${entry} for the configuration ${name}. Each entry should be in the form "{host}:{port}"`,
    );
  }
});

function isKafkaVersion(text: string): boolean {
  if (VERSIONS.includes(text)) return true;
  // Without -IVn the last of that release is meant; a bug fix number counts for nothing from 1.0 on.
  const match = /^(0\.\d+\.\d+|[1-9]\d*\.\d+)(\.\d+)*$/.exec(text);
  return match !== null && VERSIONS.some((version) => version === match[1] || version.startsWith(`${match[1]}-IV`));
}

function entriesOf(value: ConfigValue): readonly string[] {
  return isListValue(value) ? value : [];
}
