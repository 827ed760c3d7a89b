import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Errors, errorName, KafkaError } from '@ottla/base';
import { AlterOperation, type ConfigOperation } from './config-admin.ts';
import { type ConfigResource, ConfigResourceType, ConfigSource } from './config-resource.ts';
import { type ConfigFixture, configFixture } from './testing/config-fixture.ts';

type Op = [operation: keyof typeof AlterOperation, name: string, value: string | null];
const TOPIC = { type: ConfigResourceType.TOPIC, name: 't1' };
const BROKER = { type: ConfigResourceType.BROKER, name: '1' };
const DEFAULT = { type: ConfigResourceType.BROKER, name: '' };
const LOGGERS = { type: ConfigResourceType.BROKER_LOGGER, name: '1' };
const METRICS = { type: ConfigResourceType.CLIENT_METRICS, name: 'sub' };
type Resource = ConfigResource;

async function withFixture(run: (fixture: ConfigFixture) => Promise<void>): Promise<void> {
  const fixture = await configFixture();
  try {
    await run(fixture);
  } finally {
    await fixture.close();
  }
}

function alter({ services }: ConfigFixture, resource: Resource, ops: Op[], validateOnly = false): Promise<void> {
  const operations = ops.map(([operation, name, value]): ConfigOperation => {
    return { name, operation: AlterOperation[operation], value };
  });
  return services.admin.incrementalAlter(resource, operations, validateOnly);
}

/** Kafka's answers: what a 3.9 broker in ZooKeeper mode said to these requests. */
const refusals: [Resource, Op[], keyof typeof Errors, string][] = [
  [
    TOPIC,
    [['SET', 'retention.ms', 'abc']],
    'INVALID_CONFIG',
    "Invalid config value for resource ConfigResource(type=TOPIC, name='t1'): Invalid value abc for configuration retention.ms: Not a number of type LONG",
  ],
  [
    TOPIC,
    [['SET', 'retention.ms', '-5']],
    'INVALID_CONFIG',
    "Invalid config value for resource ConfigResource(type=TOPIC, name='t1'): Invalid value -5 for configuration retention.ms: Value must be at least -1",
  ],
  [
    TOPIC,
    [['SET', 'message.format.version', '9.9']],
    'INVALID_CONFIG',
    "Invalid config value for resource ConfigResource(type=TOPIC, name='t1'): Invalid value 9.9 for configuration message.format.version: Version 9.9 is not a valid version",
  ],
  [
    TOPIC,
    [['SET', 'remote.log.copy.disable', 'true']],
    'INVALID_CONFIG',
    "It is invalid to set `remote.log.delete.on.disable` or `remote.log.copy.disable` under Zookeeper's mode.",
  ],
  [TOPIC, [['SET', 'nope', '1']], 'INVALID_CONFIG', 'Unknown topic config name: nope'],
  [TOPIC, [['SET', 'retention.ms', null]], 'INVALID_REQUEST', 'Null value not supported for : retention.ms'],
  [
    TOPIC,
    [['APPEND', 'retention.ms', '5']],
    'INVALID_CONFIG',
    'Config value append is not allowed for config key: retention.ms',
  ],
  [
    TOPIC,
    [['SUBTRACT', 'retention.ms', '5']],
    'INVALID_CONFIG',
    'Config value subtract is not allowed for config key: retention.ms',
  ],
  [
    TOPIC,
    [
      ['SET', 'retention.ms', '5'],
      ['SET', 'retention.ms', '6'],
    ],
    'INVALID_REQUEST',
    'Error due to duplicate config keys',
  ],
  [
    { ...TOPIC, name: 'nope' },
    [['SET', 'retention.ms', '5']],
    'UNKNOWN_TOPIC_OR_PARTITION',
    "The topic 'nope' does not exist.",
  ],
  [
    { ...TOPIC, name: '' },
    [['SET', 'retention.ms', '5']],
    'INVALID_REQUEST',
    'Default topic resources are not allowed.',
  ],
  [
    TOPIC,
    [
      ['SET', 'min.compaction.lag.ms', '50'],
      ['SET', 'max.compaction.lag.ms', '10'],
    ],
    'INVALID_CONFIG',
    'conflict topic config setting min.compaction.lag.ms (50) > max.compaction.lag.ms (10)',
  ],
  [
    TOPIC,
    [['SET', 'remote.storage.enable', 'true']],
    'INVALID_CONFIG',
    "Invalid config value for resource ConfigResource(type=TOPIC, name='t1'): Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.",
  ],
  [BROKER, [['SET', 'broker.id', '77']], 'INVALID_REQUEST', 'Cannot update these configs dynamically: Set(broker.id)'],
  [
    BROKER,
    [
      ['SET', 'broker.id', '77'],
      ['SET', 'log.dirs', 'x'],
    ],
    'INVALID_REQUEST',
    'Cannot update these configs dynamically: Set(broker.id, log.dirs)',
  ],
  [
    BROKER,
    [['SET', 'log.cleaner.threads', 'abc']],
    'INVALID_REQUEST',
    'Invalid value abc for configuration log.cleaner.threads: Not a number of type INT',
  ],
  [
    BROKER,
    [['SET', 'log.cleaner.threads', '50']],
    'INVALID_REQUEST',
    'Invalid value org.apache.kafka.common.config.ConfigException: Log cleaner threads cannot be increased to more than double the current value 1 for configuration Invalid dynamic configuration',
  ],
  [
    BROKER,
    [['SET', 'num.io.threads', '1']],
    'INVALID_REQUEST',
    'Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for num.io.threads=1, value should be at least half the current value 8 for configuration Invalid dynamic configuration',
  ],
  [
    BROKER,
    [['SET', 'num.network.threads', '100']],
    'INVALID_REQUEST',
    'Invalid value org.apache.kafka.common.config.ConfigException: Dynamic thread count update validation failed for num.network.threads=100, value should not be greater than double the current value 3 for configuration Invalid dynamic configuration',
  ],
  [
    BROKER,
    [['SET', 'ssl.keystore.location', '/x']],
    'INVALID_REQUEST',
    'These security configs can be dynamically updated only per-listener using the listener prefix: Set(ssl.keystore.location)',
  ],
  [
    BROKER,
    [['SET', 'listener.name.foo.ssl.key.password', 'x']],
    'INVALID_CONFIG',
    "Invalid config value for resource ConfigResource(type=BROKER, name='1'): Password encoder secret not configured",
  ],
  [
    BROKER,
    [['SET', 'unclean.leader.election.enable', 'maybe']],
    'INVALID_REQUEST',
    'Invalid value maybe for configuration unclean.leader.election.enable: Expected value to be either true or false',
  ],
  [
    BROKER,
    [['SET', 'log.retention.ms', '0']],
    'INVALID_REQUEST',
    'log.retention.ms must be unlimited (-1) or, greater than or equal to 1',
  ],
  [
    BROKER,
    [['SET', 'leader.replication.throttled.rate', '-5']],
    'INVALID_REQUEST',
    'Invalid value -5 for configuration leader.replication.throttled.rate: Value must be at least 0',
  ],
  [
    { ...BROKER, name: '2' },
    [['SET', 'log.cleaner.threads', '2']],
    'INVALID_REQUEST',
    'Unexpected broker id, expected 1, but received 2',
  ],
  [
    { ...BROKER, name: 'abc' },
    [['SET', 'log.cleaner.threads', '2']],
    'INVALID_REQUEST',
    'Node id must be an integer, but it is: abc',
  ],
  [
    DEFAULT,
    [['SET', 'listeners', 'x']],
    'INVALID_REQUEST',
    'Cannot update these configs at default cluster level, broker id must be specified: Set(listeners)',
  ],
  [LOGGERS, [['SET', 'nope.Logger', 'INFO']], 'INVALID_CONFIG', 'Logger nope.Logger does not exist!'],
  [
    LOGGERS,
    [['SET', 'kafka.server.KafkaApis', 'LOUD']],
    'INVALID_CONFIG',
    'Cannot set the log level of kafka.server.KafkaApis to LOUD as it is not a supported log level. Valid log levels are DEBUG, ERROR, FATAL, INFO, TRACE, WARN',
  ],
  [
    LOGGERS,
    [['APPEND', 'kafka.server.KafkaApis', 'INFO']],
    'INVALID_REQUEST',
    'APPEND operation is not allowed for the BROKER_LOGGER resource',
  ],
  [LOGGERS, [['DELETE', 'root', null]], 'INVALID_REQUEST', 'Removing the log level of the root logger is not allowed'],
  [
    METRICS,
    [['SET', 'interval.ms', '5']],
    'INVALID_REQUEST',
    'Invalid value 5 for interval.ms, interval must be between 100 and 3600000 (1 hour)',
  ],
  [METRICS, [['SET', 'nope', '5']], 'INVALID_REQUEST', 'Unknown client metrics configuration: nope'],
  [METRICS, [['SET', 'match', 'client_id=[']], 'INVALID_CONFIG', 'Illegal client matching pattern: client_id=['],
  [METRICS, [['SET', 'match', 'foo=bar']], 'INVALID_CONFIG', 'Illegal client matching pattern: foo=bar'],
  [
    { type: ConfigResourceType.GROUP, name: 'g' },
    [['SET', 'a', 'b']],
    'INVALID_REQUEST',
    'AlterConfigs is only supported for topics and brokers, but resource type is GROUP',
  ],
];

describe('a change of settings', () => {
  for (const [resource, ops, code, message] of refusals) {
    test(`${JSON.stringify(ops)} of ${JSON.stringify(resource)} is refused with ${code}`, async () => {
      await withFixture(async (fixture) => {
        await assert.rejects(alter(fixture, resource, ops), (error) => {
          assert(error instanceof KafkaError, String(error));
          assert.deepEqual([errorName(error.code), error.message], [code, message]);
          return true;
        });
        assert.deepEqual(await fixture.zkClient.getAllEntitiesWithConfig('topics'), []);
        assert.deepEqual(await fixture.zkClient.getChildren('/config/changes'), []);
      });
    });
  }

  test('of a topic is stored, told, and in force when the answer leaves', async () => {
    await withFixture(async (fixture) => {
      await alter(fixture, TOPIC, [
        ['SET', 'segment.bytes', '100000'],
        ['APPEND', 'cleanup.policy', 'compact'],
      ]);
      assert.deepEqual(
        await fixture.services.repository.topicConfig('t1'),
        new Map([
          ['segment.bytes', '100000'],
          ['cleanup.policy', 'delete,compact'],
        ]),
      );
      const applied = fixture.applied.get('t1');
      assert.deepEqual([applied?.segmentBytes, applied?.compact, applied?.delete], [100000, true, true]);
      assert.deepEqual(await fixture.zkClient.getChildren('/config/changes'), ['config_change_0000000000']);
    });
  });

  test('appends what is not there yet, and takes away what is', async () => {
    await withFixture(async (fixture) => {
      const policy = async () => (await fixture.services.repository.topicConfig('t1')).get('cleanup.policy');
      await alter(fixture, TOPIC, [['APPEND', 'cleanup.policy', 'compact']]);
      await alter(fixture, TOPIC, [['APPEND', 'cleanup.policy', 'compact']]);
      assert.equal(await policy(), 'delete,compact');
      await alter(fixture, TOPIC, [['SUBTRACT', 'cleanup.policy', 'delete']]);
      assert.equal(await policy(), 'compact');
      await alter(fixture, TOPIC, [['DELETE', 'cleanup.policy', null]]);
      assert.equal(await policy(), undefined);
    });
  });

  test('changes nothing when it is only to be validated', async () => {
    await withFixture(async (fixture) => {
      await alter(fixture, TOPIC, [['SET', 'segment.bytes', '100000']], true);
      await alter(fixture, LOGGERS, [['SET', 'root', 'WARN']], true);
      assert.deepEqual(await fixture.services.repository.topicConfig('t1'), new Map());
      assert.equal(fixture.services.loggerLevels.levels().get('root'), 'INFO');
    });
  });

  test('that arrives together with another one loses neither', async () => {
    await withFixture(async (fixture) => {
      await Promise.all([
        alter(fixture, TOPIC, [['SET', 'segment.bytes', '100000']]),
        alter(fixture, TOPIC, [['SET', 'retention.ms', '5']]),
        assert.rejects(alter(fixture, TOPIC, [['SET', 'retention.ms', 'x']])),
        alter(fixture, TOPIC, [['SET', 'flush.ms', '7']]),
      ]);
      assert.equal((await fixture.services.repository.topicConfig('t1')).size, 3);
    });
  });

  test('by AlterConfigs replaces everything that was set', async () => {
    await withFixture(async (fixture) => {
      await alter(fixture, TOPIC, [['SET', 'segment.bytes', '100000']]);
      await fixture.services.admin.alter(TOPIC, [{ name: 'retention.ms', value: '777' }], false);
      assert.deepEqual(await fixture.services.repository.topicConfig('t1'), new Map([['retention.ms', '777']]));
    });
  });

  test('of a broker lies over server.properties, this broker over all brokers, and reaches topics', async () => {
    await withFixture(async (fixture) => {
      await alter(fixture, TOPIC, [['SET', 'retention.ms', '777']]);
      await alter(fixture, DEFAULT, [
        ['SET', 'message.max.bytes', '1500000'],
        ['SET', 'log.retention.ms', '99000'],
      ]);
      assert.equal(fixture.config.number('message.max.bytes'), 1500000);
      assert.equal(fixture.config.logRetentionMs, 99000);
      assert.equal(fixture.applied.get('t2')?.retentionMs, 99000);
      assert.equal(fixture.applied.get('t1')?.retentionMs, 777);
      await alter(fixture, BROKER, [['SET', 'message.max.bytes', '1600000']]);
      assert.equal(fixture.applied.get('t1')?.maxMessageBytes, 1600000);
      await alter(fixture, BROKER, [['DELETE', 'message.max.bytes', null]]);
      assert.equal(fixture.config.number('message.max.bytes'), 1500000);
    });
  });

  test('calls parts that declared an interest, and lets them refuse', async () => {
    await withFixture(async (fixture) => {
      const seen: string[] = [];
      fixture.services.dynamicBrokerConfig.addReconfigurable({
        name: 'Part',
        keys: ['max.connections'],
        reconfigure: (previous, current) => {
          seen.push(`${previous.number('max.connections')} → ${current.number('max.connections')}`);
        },
      });
      await alter(fixture, BROKER, [['SET', 'max.connections', '7']]);
      await alter(fixture, BROKER, [['SET', 'num.io.threads', '9']]);
      assert.deepEqual(seen, ['2147483647 → 7']);
    });
  });

  test('of a logger goes to the logger', async () => {
    await withFixture(async (fixture) => {
      await alter(fixture, LOGGERS, [['SET', 'kafka.server.KafkaApis', 'WARN']]);
      assert.equal(fixture.services.loggerLevels.levels().get('kafka.server.KafkaApis'), 'WARN');
      await alter(fixture, LOGGERS, [['DELETE', 'kafka.server.KafkaApis', null]]);
      assert.equal(fixture.services.loggerLevels.levels().get('kafka.server.KafkaApis'), 'INFO');
    });
  });

  test('that another broker wrote arrives by notification', async () => {
    await withFixture(async (fixture) => {
      await fixture.zkClient.setOrCreateEntityConfigs('topics', 't2', new Map([['retention.ms', '42']]));
      await fixture.zkClient.createConfigChangeNotification('topics/t2');
      await fixture.clock.advance(0);
      for (let i = 0; i < 10 && !fixture.applied.has('t2'); i++) await fixture.clock.advance(0);
      assert.equal(fixture.applied.get('t2')?.retentionMs, 42);
    });
  });

  test('that is stored and cannot be used is left out, the rest counts', async () => {
    await withFixture(async (fixture) => {
      const stored = new Map([
        ['message.max.bytes', 'lots'],
        ['max.connections', '5'],
        ['log.cleaner.threads', '64'],
      ]);
      fixture.services.dynamicBrokerConfig.updateBrokerConfig(stored);
      assert.equal(fixture.config.number('message.max.bytes'), 1048588);
      assert.equal(fixture.config.number('max.connections'), 5);
      assert.equal(fixture.config.number('log.cleaner.threads'), 64);
    });
  });
});

describe('a description of settings', () => {
  test('of a topic names the source of each value and what stands behind it', async () => {
    const fixture = await configFixture({ 'log.retention.hours': '100' });
    try {
      await alter(fixture, DEFAULT, [['SET', 'message.max.bytes', '1500000']]);
      const described = fixture.services.describer.describeTopic(new Map([['retention.ms', '1000']]));
      const find = (name: string) => described.find((each) => each.name === name);
      assert.equal(described.length, 36);
      assert.deepEqual(find('retention.ms')?.synonyms, [
        { name: 'retention.ms', value: '1000', source: ConfigSource.TOPIC_CONFIG },
      ]);
      assert.deepEqual(find('max.message.bytes')?.synonyms, [
        { name: 'message.max.bytes', value: '1500000', source: ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG },
        { name: 'message.max.bytes', value: '1048588', source: ConfigSource.DEFAULT_CONFIG },
      ]);
      assert.equal(find('max.message.bytes')?.value, '1500000');
      assert.equal(find('flush.ms')?.value, '9223372036854775807');
      assert.equal(find('segment.bytes')?.source, ConfigSource.DEFAULT_CONFIG);
    } finally {
      await fixture.close();
    }
  });

  test('of a broker hides secrets and what nobody knows, and marks what cannot change', async () => {
    const fixture = await configFixture({
      'ssl.key.password': 'sesame',
      'my.plugin': 'x',
      'log.retention.hours': '100',
    });
    try {
      const described = fixture.services.describer.describeBroker();
      const find = (name: string) => described.find((each) => each.name === name);
      assert(!JSON.stringify(described).includes('sesame'));
      assert.deepEqual([find('ssl.key.password')?.isSensitive, find('my.plugin')?.isSensitive], [true, true]);
      assert.deepEqual([find('broker.id')?.readOnly, find('message.max.bytes')?.readOnly], [true, false]);
      assert.equal(find('group.share.enable'), undefined);
      assert.equal(find('log.retention.hours')?.source, ConfigSource.STATIC_BROKER_CONFIG);
      assert.equal(find('log.cleaner.io.max.bytes.per.second')?.value, '1.7976931348623157E308');
    } finally {
      await fixture.close();
    }
  });

  test('of all brokers holds only what was set for all', async () => {
    await withFixture(async (fixture) => {
      assert.deepEqual(fixture.services.describer.describeBrokerDefault(), []);
      await alter(fixture, DEFAULT, [['SET', 'message.max.bytes', '1500000']]);
      const [only, ...more] = fixture.services.describer.describeBrokerDefault();
      assert.deepEqual([only?.name, only?.value, more.length], ['message.max.bytes', '1500000', 0]);
      assert.equal(only?.source, ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
    });
  });

  test('of a client metrics subscription tells set values from defaults', async () => {
    await withFixture(async (fixture) => {
      await alter(fixture, METRICS, [['SET', 'interval.ms', '30000']]);
      const stored = await fixture.services.store.fetch({ rootType: 'client-metrics', name: 'sub' });
      const described = fixture.services.describer.describeClientMetrics(stored);
      assert.deepEqual(
        described.map(({ name, value, source }) => [name, value, source]),
        [
          ['metrics', '', 5],
          ['interval.ms', '30000', 7],
          ['match', '', 5],
        ],
      );
      assert.deepEqual(await fixture.services.store.names('client-metrics'), ['sub']);
    });
  });
});
