// What a configuration request may be about, by the numbers on the wire. Source: org.apache.kafka.common.config.ConfigResource, KIP-133.

import { Errors, KafkaError } from '@ottla/base';

export const ConfigResourceType = {
  UNKNOWN: 0,
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

/** Where a value comes from. Source: DescribeConfigsResponse.ConfigSource. */
export const ConfigSource = {
  TOPIC_CONFIG: 1,
  DYNAMIC_BROKER_CONFIG: 2,
  DYNAMIC_DEFAULT_BROKER_CONFIG: 3,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
  DYNAMIC_BROKER_LOGGER_CONFIG: 6,
  CLIENT_METRICS_CONFIG: 7,
} as const;

export interface ConfigResource {
  readonly type: number;
  readonly name: string;
}

/** `ConfigResource(type=TOPIC, name='orders')`, as Kafka's messages have it. */
export function formatConfigResource({ type, name }: ConfigResource): string {
  return `ConfigResource(type=${resourceTypeName(type)}, name='${name}')`;
}

export function resourceTypeName(type: number): string {
  return Object.entries(ConfigResourceType).find(([, number]) => number === type)?.[0] ?? 'UNKNOWN';
}

/** @param what how the answer calls a broker: alterations say 'Node'
 *  @throws KafkaError INVALID_REQUEST unless `name` is a number */
export function brokerIdOfResource(name: string, what: 'Broker' | 'Node' = 'Broker'): number {
  if (/^\d{1,10}$/.test(name)) return Number(name);
  throw new KafkaError(Errors.INVALID_REQUEST, `${what} id must be an integer, but it is: ${name}`);
}
