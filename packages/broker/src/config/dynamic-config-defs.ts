// The settings that only exist in the tree: quotas of users, clients, addresses and of replication, and which of a broker's settings may
// change while it runs. Source: kafka.server.{DynamicConfig, DynamicBrokerConfig}, org.apache.kafka.server.config.QuotaConfigs (3.9).

import { atLeast, ConfigDef, type ConfigKey } from '@ottla/base';
import { brokerConfigDef } from './broker-config-def.ts';

const LONG_MAX = '9223372036854775807';
const INT_MAX = '2147483647';
const INT_MAX_AS_DOUBLE = '2.147483647E9';
const LISTENER_KEY = /^listener\.name\.[^.]*\.(.*)$/;
/** Under a listener's prefix with a mechanism's name before them. */
const LISTENER_MECHANISM_KEYS = [
  'sasl.login.callback.handler.class',
  'sasl.server.callback.handler.class',
  'connections.max.reauth.ms',
  'sasl.login.class',
  'sasl.jaas.config',
];
/** Have a meaning under a listener's prefix, and for all brokers at once. */
const CLUSTER_WIDE_LISTENER_KEYS = ['max.connections', 'max.connection.creation.rate', 'num.network.threads'];

export const userClientQuotaDef = new ConfigDef([
  quotaKey('producer_byte_rate', 'long', LONG_MAX, 'Bytes a second that producers may write.'),
  quotaKey('consumer_byte_rate', 'long', LONG_MAX, 'Bytes a second that consumers may read.'),
  quotaKey('request_percentage', 'double', INT_MAX_AS_DOUBLE, 'Share of the time of request threads, in percent.'),
  quotaKey('controller_mutation_rate', 'double', INT_MAX_AS_DOUBLE, 'Partitions created or deleted a second.'),
]);

export const ipQuotaDef = new ConfigDef([
  {
    ...quotaKey('connection_creation_rate', 'int', INT_MAX, 'Connections a second that an address may open.'),
    validator: atLeast(0),
  },
]);

/** Settings of a broker that are no keys of server.properties. */
export const brokerQuotaDef = new ConfigDef([
  throttleKey('leader.replication.throttled.rate', 'Bytes a second that this broker sends to throttled followers.'),
  throttleKey('follower.replication.throttled.rate', 'Bytes a second that throttled followers on this broker fetch.'),
  throttleKey(
    'replica.alter.log.dirs.io.max.bytes.per.second',
    'Bytes a second for moving replicas between directories.',
  ),
]);

export function isDynamicBrokerConfig(name: string): boolean {
  return brokerConfigDef.get(name)?.dynamic !== undefined;
}

/** Does only one broker have this setting, not all of them? */
export function isPerBrokerConfig(name: string): boolean {
  const base = LISTENER_KEY.exec(name)?.[1];
  if (base !== undefined) return !CLUSTER_WIDE_LISTENER_KEYS.includes(base);
  return brokerConfigDef.get(name)?.dynamic === 'per-broker';
}

/** TLS settings, which hold for one listener each. */
export function isListenerSecurityConfig(name: string): boolean {
  return /^ssl\.(?:key\.password|(?:keystore|truststore)\..*)$/.test(name) && isDynamicBrokerConfig(name);
}

/** The keys under which a setting's value may stand, most specific first. Source: DynamicBrokerConfig.brokerConfigSynonyms. */
export function brokerConfigSynonyms(name: string): string[] {
  const base = LISTENER_KEY.exec(name)?.[1];
  if (base === undefined) return [name, ...(brokerConfigDef.get(name)?.synonyms ?? [])];
  const mechanismKey = LISTENER_MECHANISM_KEYS.find((key) => base.endsWith(key));
  return [name, mechanismKey ?? base];
}

/** The row of `name`, also under a listener's prefix. */
export function brokerConfigKeyOf(name: string): ConfigKey | undefined {
  return (
    brokerConfigDef.get(name) ?? brokerQuotaDef.get(name) ?? brokerConfigDef.get(brokerConfigSynonyms(name)[1] ?? '')
  );
}

function quotaKey(name: string, type: 'int' | 'long' | 'double', defaultText: string, doc: string): ConfigKey {
  return { name, type, default: defaultText, importance: 'medium', doc };
}

function throttleKey(name: string, doc: string): ConfigKey {
  return { ...quotaKey(name, 'long', LONG_MAX, doc), validator: atLeast(0) };
}
