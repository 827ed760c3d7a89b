// Rules between keys of server.properties, and settings that are refused because what they ask for is not built.
// Source: kafka.server.KafkaConfig.validateValues (3.9, ZooKeeper mode).

import { ConfigError, type ParsedConfig } from '@ottla/base';
import { brokerConfigDef } from './broker-config-def.ts';
import type { EndPoint } from './end-point.ts';
import type { KafkaConfig } from './kafka-config.ts';

/** @throws ConfigError naming the first rule that is broken */
export function mustObeyRules(config: KafkaConfig): void {
  mustHaveValidId(config);
  mustHaveSaneTimes(config);
  mustHaveUsableLogs(config);
  mustHaveUsableReplication(config);
  mustHaveUsableConnections(config);
  mustHaveUsableListeners(config);
}

/** @throws ConfigError for the first setting that asks for what is not built */
export function mustNotAskForTheUnbuilt(values: ParsedConfig): void {
  for (const key of brokerConfigDef.keys.values()) {
    if (key.status !== 'refused') continue;
    const text = values.text(key.name);
    if (text === null || text === '' || text === key.default) continue;
    throw new ConfigError(UNBUILT.get(key.name) ?? `${key.name} is set, and what it asks for is not built: remove it`);
  }
}

const UNBUILT = new Map([
  [
    'zookeeper.connect',
    'zookeeper.connect is set, and a ZooKeeper outside this process is not built: remove it, and the tree is embedded in this process',
  ],
  [
    'process.roles',
    'process.roles is set, and this broker does not speak KRaft: remove it to run as in ZooKeeper mode',
  ],
  [
    'authorizer.class.name',
    'authorizer.class.name is set, and authorization is not built: this broker would let everybody do everything',
  ],
]);

function require(condition: boolean, message: string): void {
  if (!condition) throw new ConfigError(message);
}

function mustHaveValidId(config: KafkaConfig): void {
  const nodeId = config.number('node.id');
  const brokerId = config.number('broker.id');
  require(nodeId === brokerId ||
    !config.isGiven('node.id') ||
    !config.isGiven('broker.id'), 'You must set `node.id` to the same value as `broker.id`.');
  if (config.brokerIdGenerationEnable) {
    require(config.brokerId >= -1 &&
      config.brokerId <=
        config.number(
          'reserved.broker.max.id',
        ), 'broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id');
  } else {
    require(config.brokerId >= 0, 'broker.id must be greater than or equal to 0');
  }
}

function mustHaveSaneTimes(config: KafkaConfig): void {
  require(config.logRollMs >= 1, 'log.roll.ms must be greater than or equal to 1');
  require(config.logRollJitterMs >= 0, 'log.roll.jitter.ms must be greater than or equal to 0');
  require(config.logRetentionMs >= 1 ||
    config.logRetentionMs === -1, 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1');
  require(config.number('replica.fetch.wait.max.ms') <=
    config.number(
      'replica.socket.timeout.ms',
    ), 'replica.socket.timeout.ms should always be at least replica.fetch.wait.max.ms to prevent unnecessary socket timeouts');
  require(config.number('replica.fetch.wait.max.ms') <=
    config.number(
      'replica.lag.time.max.ms',
    ), 'replica.fetch.wait.max.ms should always be less than or equal to replica.lag.time.max.ms to prevent frequent changes in ISR');
}

function mustHaveUsableLogs(config: KafkaConfig): void {
  require(config.logDirs.length > 0, 'At least one log directory must be defined via log.dirs or log.dir.');
  require(config.number('log.cleaner.dedupe.buffer.size') / config.number('log.cleaner.threads') >
    1024 * 1024, 'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.');
}

function mustHaveUsableReplication(config: KafkaConfig): void {
  const acks = config.number('offsets.commit.required.acks');
  require(acks >= -1 &&
    acks <=
      config.number(
        'offsets.topic.replication.factor',
      ), 'offsets.commit.required.acks must be greater or equal to -1 and less or equal to offsets.topic.replication.factor');
  const codec = config.number('offsets.topic.compression.codec');
  require(codec >= 0 && codec <= 4, `Unknown compression type id: ${codec}`);
}

function mustHaveUsableConnections(config: KafkaConfig): void {
  const overrides = config.maxConnectionsPerIpOverrides;
  require(config.number('max.connections.per.ip') > 0 ||
    overrides.size >
      0, 'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.');
  const queuedBytes = config.number('queued.max.request.bytes');
  require(queuedBytes <= 0 ||
    queuedBytes >=
      config.number(
        'socket.request.max.bytes',
      ), 'queued.max.request.bytes must be larger or equal to socket.request.max.bytes');
  const idleMs = config.number('connections.max.idle.ms');
  const delayMs = config.number('connection.failed.authentication.delay.ms');
  require(idleMs < 0 ||
    delayMs <
      idleMs, `connection.failed.authentication.delay.ms=${delayMs} should always be less than connections.max.idle.ms=${idleMs} to prevent failed authentication responses from timing out`);
}

function mustHaveUsableListeners(config: KafkaConfig): void {
  const advertised = config.advertisedListeners;
  require(config.listeners.length > 0 &&
    advertised.length > 0, 'There must be at least one broker advertised listener.');
  const names = advertised.map((endPoint) => endPoint.listenerName);
  require(names.includes(
    config.interBrokerListenerName,
  ), `inter.broker.listener.name must be a listener name defined in advertised.listeners. The valid options based on currently configured listeners are ${names.join(',')}`);
  const open = config.listeners.map((endPoint) => endPoint.listenerName);
  require(names.every((name) =>
    open.includes(name),
  ), `advertised.listeners listener names must be equal to or a subset of the ones defined in listeners. Found ${names.join(',')}. The valid options based on the current configuration are ${open.join(',')}`);
  require(advertised.every(
    (endPoint) => endPoint.host !== '0.0.0.0',
  ), 'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.');
  config.listeners.forEach(mustBePlaintext);
}

function mustBePlaintext({ listenerName, securityProtocol }: EndPoint): void {
  require(securityProtocol ===
    'PLAINTEXT', `listener ${listenerName} asks for ${securityProtocol}, and only PLAINTEXT listeners are built`);
}
