import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, test } from 'node:test';
import { ConfigError } from '@ottla/base';
import { brokerConfigDef } from './broker-config-def.ts';
import { KafkaConfig } from './kafka-config.ts';

function configOf(properties: Record<string, string> = {}): KafkaConfig {
  return KafkaConfig.fromProperties(new Map(Object.entries(properties)));
}

/** The package's directory is dist/config below packages/broker. */
const facts = process.env.KAFKA_FACTS ?? resolve(import.meta.dirname, '../../../../../shared/kafka');
const goldenPath = `${facts}/config/broker-3.9.json`;
const skip = existsSync(goldenPath) || process.env.CI === 'true' ? false : `no golden data at ${goldenPath}`;

interface GoldenKey {
  name: string;
  type: string;
  default: string | null;
  valid?: string;
  importance: string;
}

describe('the table of server.properties keys', () => {
  test('has every key of Kafka 3.9 with its type, default, rule and importance', { skip }, () => {
    const golden: GoldenKey[] = JSON.parse(readFileSync(goldenPath, 'utf8'));
    const ours = [...brokerConfigDef.keys.values()].filter((key) => !key.name.startsWith('ottla.'));
    assert.equal(ours.length, golden.length);
    for (const expected of golden) {
      const key = brokerConfigDef.get(expected.name);
      const got = {
        name: key?.name,
        type: key?.type,
        default: key?.default,
        ...(key?.validator === undefined ? {} : { valid: key.validator.description }),
        importance: key?.importance,
      };
      assert.deepEqual(got, expected);
    }
  });

  test('parses every default and prints it back as it is written', () => {
    const parsed = brokerConfigDef.parse(new Map());
    for (const key of brokerConfigDef.keys.values()) assert.equal(parsed.text(key.name), key.default, key.name);
  });

  test('explains every key in a sentence', () => {
    for (const key of brokerConfigDef.keys.values()) assert.match(key.doc, /^[A-Z−-].*\.$/, key.name);
  });
});

const refusals: [Record<string, string>, string][] = [
  [{ 'num.partitions': 'x' }, 'Invalid value x for configuration num.partitions: Not a number of type INT'],
  [{ 'log.segment.bytes': '1' }, 'Invalid value 1 for configuration log.segment.bytes: Value must be at least 14'],
  [{ 'node.id': '5', 'broker.id': '6' }, 'You must set `node.id` to the same value as `broker.id`.'],
  [
    { 'broker.id': '1001' },
    'broker.id must be greater than or equal to -1 and not greater than reserved.broker.max.id',
  ],
  [{ 'broker.id.generation.enable': 'false' }, 'broker.id must be greater than or equal to 0'],
  [
    { listeners: 'PLAINTEXT://a:1,PLAINTEXT://b:2' },
    'Each listener must have a different name, listeners: PLAINTEXT://a:1,PLAINTEXT://b:2',
  ],
  [
    { listeners: 'PLAINTEXT://a:1,SSL://b:1' },
    'Each listener must have a different port, listeners: PLAINTEXT://a:1,SSL://b:1',
  ],
  [
    { listeners: 'nonsense' },
    "Error creating broker listeners from 'nonsense': Unable to parse nonsense to a broker endpoint",
  ],
  [
    { listeners: 'PLAINTEXT://a:99999' },
    "Error creating broker listeners from 'PLAINTEXT://a:99999': Unable to parse PLAINTEXT://a:99999 to a broker endpoint",
  ],
  [{ listeners: '' }, 'There must be at least one broker advertised listener.'],
  [
    { listeners: 'FOO://a:1' },
    "Error creating broker listeners from 'FOO://a:1': No security protocol defined for listener FOO",
  ],
  [{ listeners: 'PLAINTEXT://:1,SSL://:2' }, 'listener SSL asks for SSL, and only PLAINTEXT listeners are built'],
  [
    { 'listener.security.protocol.map': 'PLAINTEXT:BOGUS' },
    'Invalid security protocol `BOGUS` defined in listener.security.protocol.map',
  ],
  [
    { listeners: 'PLAINTEXT://0.0.0.0:9092' },
    'advertised.listeners cannot use the nonroutable meta-address 0.0.0.0. Use a routable IP address.',
  ],
  [
    { 'inter.broker.listener.name': 'PLAINTEXT', 'security.inter.broker.protocol': 'PLAINTEXT' },
    'Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.',
  ],
  [
    { 'inter.broker.listener.name': 'FOO' },
    'Listener with name FOO defined in inter.broker.listener.name not found in listener.security.protocol.map.',
  ],
  [{ 'log.dirs': ' , ' }, 'At least one log directory must be defined via log.dirs or log.dir.'],
  [{ 'log.retention.ms': '0' }, 'log.retention.ms must be unlimited (-1) or, greater than or equal to 1'],
  [{ 'log.roll.ms': '0' }, 'log.roll.ms must be greater than or equal to 1'],
  [
    { 'log.cleaner.dedupe.buffer.size': '1000' },
    'log.cleaner.dedupe.buffer.size must be at least 1MB per cleaner thread.',
  ],
  [
    { 'offsets.commit.required.acks': '5' },
    'offsets.commit.required.acks must be greater or equal to -1 and less or equal to offsets.topic.replication.factor',
  ],
  [{ 'queued.max.request.bytes': '5' }, 'queued.max.request.bytes must be larger or equal to socket.request.max.bytes'],
  [
    { 'max.connections.per.ip': '0' },
    'max.connections.per.ip can be set to zero only if max.connections.per.ip.overrides property is set.',
  ],
  [
    { 'zookeeper.connect': 'localhost:2181' },
    'zookeeper.connect is set, and a ZooKeeper outside this process is not built: remove it, and the tree is embedded in this process',
  ],
  [
    { 'authorizer.class.name': 'kafka.security.authorizer.AclAuthorizer' },
    'authorizer.class.name is set, and authorization is not built: this broker would let everybody do everything',
  ],
  [
    { 'process.roles': 'broker' },
    'process.roles is set, and this broker does not speak KRaft: remove it to run as in ZooKeeper mode',
  ],
  [
    { 'ottla.api.level': '3.8' },
    'Invalid value 3.8 for configuration ottla.api.level: String must be one of: , 1.0, 1.1, 2.5, 3.9',
  ],
];

describe('KafkaConfig', () => {
  for (const [properties, message] of refusals) {
    test(`refuses ${JSON.stringify(properties)} with one sentence`, () => {
      assert.throws(() => configOf(properties), new ConfigError(message));
    });
  }

  test('takes the finest unit of retention that is given', () => {
    assert.equal(configOf().logRetentionMs, 168 * 3_600_000);
    assert.equal(configOf({ 'log.retention.hours': '5', 'log.retention.minutes': '1' }).logRetentionMs, 60_000);
    assert.equal(configOf({ 'log.retention.minutes': '1', 'log.retention.ms': '7' }).logRetentionMs, 7);
    assert.equal(configOf({ 'log.retention.minutes': '-5' }).logRetentionMs, -1);
    assert.equal(configOf({ 'log.roll.hours': '2' }).logRollMs, 7_200_000);
  });

  test('prefers log.dirs to log.dir and leaves out empty names', () => {
    assert.deepEqual(configOf({ 'log.dir': '/x' }).logDirs, ['/x']);
    assert.deepEqual(configOf({ 'log.dirs': '/a, /b,,/c', 'log.dir': '/x' }).logDirs, ['/a', '/b', '/c']);
  });

  test('reads listeners, and advertises them where nothing else is said', () => {
    const config = configOf({
      listeners: ' PLAINTEXT://127.0.0.1:9092 , inside://[::1]:9092,',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,INSIDE:plaintext',
      'inter.broker.listener.name': 'inside',
    });
    const inside = { listenerName: 'INSIDE', securityProtocol: 'PLAINTEXT', host: '::1', port: 9092 };
    assert.deepEqual(config.listeners[1], inside);
    assert.deepEqual(config.advertisedListeners, config.listeners);
    assert.equal(config.interBrokerListenerName, 'INSIDE');
  });

  test('lets advertised listeners share a port, and listeners take any free one', () => {
    const config = configOf({
      listeners: 'PLAINTEXT://a:0,FOO://b:0',
      'advertised.listeners': 'PLAINTEXT://x:1,FOO://y:1',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,FOO:PLAINTEXT',
    });
    assert.deepEqual(
      config.advertisedListeners.map((endPoint) => endPoint.host),
      ['x', 'y'],
    );
  });

  test('takes node.id for broker.id', () => {
    assert.equal(configOf({ 'node.id': '5' }).brokerId, 5);
    assert.equal(configOf().brokerId, -1);
  });

  test('gives internal topics one replica unless told otherwise, since there is one broker', () => {
    assert.equal(configOf().number('offsets.topic.replication.factor'), 1);
    assert.equal(configOf({ 'offsets.topic.replication.factor': '3' }).number('offsets.topic.replication.factor'), 3);
  });

  test('names keys nobody knows and keys without effect, and leaves alone what belongs to plug-ins', () => {
    const config = configOf({
      'num.partitons': '3',
      'listener.name.plaintext.max.connections': '5',
      'log.cleaner.enable': 'true',
      'group.share.enable': 'true',
    });
    assert.deepEqual(config.warnings, [
      'Unknown configuration num.partitons: it has no effect',
      'Configuration group.share.enable has no effect here',
    ]);
  });

  test('reads limits for single addresses', () => {
    const config = configOf({ 'max.connections.per.ip.overrides': '127.0.0.1:5,::1:9' });
    assert.deepEqual(
      [...config.maxConnectionsPerIpOverrides],
      [
        ['127.0.0.1', 5],
        ['::1', 9],
      ],
    );
    assert.throws(
      () => configOf({ 'max.connections.per.ip': '0', 'max.connections.per.ip.overrides': 'a:x' }),
      ConfigError,
    );
  });
});
