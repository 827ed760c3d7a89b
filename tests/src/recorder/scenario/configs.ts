// Settings of topics and brokers, quotas of clients, SCRAM credentials.

import {
  alterClientQuotas,
  alterConfigs,
  alterUserScramCredentials,
  describeClientQuotas,
  describeConfigs,
  describeUserScramCredentials,
  incrementalAlterConfigs,
} from '@ottla/protocol';
import { type AskOptions, ask, type Step, since } from '../step.ts';
import { createSteps } from './topics.ts';

const TOPIC = 2;
const BROKER = 4;
const BROKER_LOGGER = 8;
const CLIENT_METRICS = 16;

type Settings = Readonly<Record<string, string | null>>;

export function configSteps(): Step[] {
  return [
    ...createSteps('create topics to configure', [
      { name: 'configured', configs: { 'retention.ms': '1000000000000' } },
      { name: 'altered' },
      { name: 'incremented' },
    ]),
    ...describeSteps(),
    ...alterSteps(),
    ...incrementalSteps(),
    ...quotaSteps(),
    ...scramSteps(),
  ];
}

interface DescribeWish {
  readonly keys?: readonly string[] | null;
  readonly synonyms?: boolean;
  readonly documentation?: boolean;
}

function describe(
  name: string,
  resources: readonly (readonly [number, string])[],
  wish: DescribeWish = {},
  options: AskOptions<unknown> = {},
): Step {
  return ask(
    name,
    describeConfigs,
    (version) => ({
      resources: resources.map(([resourceType, resourceName]) => ({
        resourceType,
        resourceName,
        configurationKeys: wish.keys ? [...wish.keys] : null,
      })),
      ...since(version, 1, { includeSynonyms: wish.synonyms ?? false }),
      ...since(version, 3, { includeDocumentation: wish.documentation ?? false }),
    }),
    options,
  );
}

function describeSteps(): Step[] {
  return [
    describe('describe a topic', [[TOPIC, 'configured']]),
    describe('describe a topic with synonyms', [[TOPIC, 'configured']], { synonyms: true }, { versions: [1, 4] }),
    describe('describe keys of a topic', [[TOPIC, 'configured']], {
      keys: ['retention.ms', 'cleanup.policy', 'no.such.key'],
      synonyms: true,
    }),
    describe(
      'describe keys of a topic with documentation',
      [[TOPIC, 'configured']],
      { keys: ['retention.ms'], documentation: true },
      { versions: [3, 4] },
    ),
    describe('describe no keys of a topic', [[TOPIC, 'configured']], { keys: [] }),
    describe(
      'describe an internal topic',
      [
        [TOPIC, '__consumer_offsets'],
        [TOPIC, '__transaction_state'],
      ],
      {},
      { versions: [4] },
    ),
    describe('describe a broker', [[BROKER, '1']]),
    describe('describe a broker with synonyms', [[BROKER, '1']], { synonyms: true }, { versions: [4] }),
    describe('describe keys of a broker', [[BROKER, '1']], {
      keys: ['log.retention.ms', 'num.io.threads', 'zookeeper.ssl.keystore.password'],
      synonyms: true,
    }),
    describe('describe the default of brokers', [[BROKER, '']], { synonyms: true }),
    describe('describe what is not there', [
      [TOPIC, 'unknown'],
      [TOPIC, 'no/name'],
      [TOPIC, ''],
      [BROKER, '99'],
      [BROKER, 'one'],
      [BROKER_LOGGER, ''],
      [BROKER_LOGGER, '99'],
    ]),
    describe('describe client metrics', [[CLIENT_METRICS, 'metrics']]),
    describe('describe client metrics and a topic', [
      [CLIENT_METRICS, 'metrics'],
      [TOPIC, 'configured'],
    ]),
    describe('describe a resource of a type that is none', [[77, 'x']]),
    describe('describe a resource of type 0', [[0, 'x']]),
    describe('describe keys of the loggers', [[BROKER_LOGGER, '1']], { keys: ['no.such.logger'] }),
  ];
}

function alter(name: string, resources: readonly (readonly [number, string, Settings])[], validateOnly = false): Step {
  return ask(name, alterConfigs, () => ({
    resources: resources.map(([resourceType, resourceName, configs]) => ({
      resourceType,
      resourceName,
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    })),
    validateOnly,
  }));
}

function alterSteps(): Step[] {
  return [
    alter('alter a topic', [
      [TOPIC, 'altered', { 'retention.ms': '2000000000000', 'cleanup.policy': 'compact,delete' }],
    ]),
    describe('describe the altered topic', [[TOPIC, 'altered']], {
      keys: ['retention.ms', 'cleanup.policy'],
      synonyms: true,
    }),
    alter('alter a topic back to the defaults', [[TOPIC, 'altered', {}]]),
    describe(
      'describe the topic with the defaults',
      [[TOPIC, 'altered']],
      { keys: ['retention.ms', 'cleanup.policy'], synonyms: true },
      { versions: [4] },
    ),
    alter(
      'validate altering a topic',
      [
        [TOPIC, 'altered', { 'retention.ms': '5' }],
        [TOPIC, 'unknown', {}],
      ],
      true,
    ),
    alter('alter what is refused', [
      [TOPIC, 'altered', { 'no.such.key': '1' }],
      [TOPIC, 'configured', { 'retention.ms': 'soon' }],
      [TOPIC, 'incremented', { 'retention.ms': null }],
      [TOPIC, 'unknown', { 'retention.ms': '1' }],
      [TOPIC, 'no/name', { 'retention.ms': '1' }],
      [TOPIC, '', { 'retention.ms': '1' }],
      [BROKER, '1', { 'log.dirs': '/elsewhere' }],
      [BROKER, '99', { 'log.cleaner.threads': '2' }],
      [BROKER, 'one', { 'log.cleaner.threads': '2' }],
      [BROKER_LOGGER, '1', { root: 'INFO' }],
      [CLIENT_METRICS, 'metrics', { 'interval.ms': '1000' }],
      [77, 'x', {}],
    ]),
    ask('alter a key twice in a request', alterConfigs, () => ({
      resources: [
        {
          resourceType: TOPIC,
          resourceName: 'altered',
          configs: ['1', '2'].map((value) => ({ name: 'retention.ms', value })),
        },
      ],
      validateOnly: true,
    })),
  ];
}

const SET = 0;
const DELETE = 1;
const APPEND = 2;
const SUBTRACT = 3;

type Change = readonly [key: string, operation: number, value: string | null];

function increment(
  name: string,
  resources: readonly (readonly [number, string, readonly Change[]])[],
  validateOnly = false,
): Step {
  return ask(name, incrementalAlterConfigs, () => ({
    resources: resources.map(([resourceType, resourceName, changes]) => ({
      resourceType,
      resourceName,
      configs: changes.map(([key, configOperation, value]) => ({ name: key, configOperation, value })),
    })),
    validateOnly,
  }));
}

function incrementalSteps(): Step[] {
  const policy = 'cleanup.policy';
  const look = (name: string) =>
    describe(
      name,
      [[TOPIC, 'incremented']],
      { keys: [policy, 'retention.ms', 'follower.replication.throttled.replicas'], synonyms: true },
      { versions: [4] },
    );
  return [
    increment('set keys of a topic', [
      [
        TOPIC,
        'incremented',
        [
          ['retention.ms', SET, '3000000000000'],
          [policy, APPEND, 'compact'],
          ['follower.replication.throttled.replicas', APPEND, '0:1'],
        ],
      ],
    ]),
    look('describe the topic after keys were set'),
    increment('subtract and delete keys of a topic', [
      [
        TOPIC,
        'incremented',
        [
          ['retention.ms', DELETE, null],
          [policy, SUBTRACT, 'delete'],
        ],
      ],
    ]),
    look('describe the topic after keys were deleted'),
    increment('change keys in ways that are refused', [
      [TOPIC, 'incremented', [['retention.ms', APPEND, '1']]],
      [TOPIC, 'configured', [['no.such.key', SET, '1']]],
      [TOPIC, 'altered', [['retention.ms', SET, null]]],
      [TOPIC, 'unknown', [['retention.ms', SET, '1']]],
      [TOPIC, 'consumed', [['retention.ms', SET, 'soon']]],
      [
        TOPIC,
        'produced',
        [
          ['retention.ms', SET, '1'],
          ['retention.ms', DELETE, null],
        ],
      ],
      [BROKER, '1', [['log.dirs', SET, '/elsewhere']]],
      [BROKER, '99', [['log.cleaner.threads', SET, '2']]],
      [BROKER_LOGGER, '1', [['no.such.logger', SET, 'INFO']]],
      [BROKER_LOGGER, '', [['root', SET, 'INFO']]],
      [CLIENT_METRICS, 'metrics', [['interval.ms', SET, '1000']]],
      [77, 'x', []],
    ]),
    increment('change a key in an unknown way', [[TOPIC, 'incremented', [['retention.ms', 9, '1']]]]),
    increment('change a topic twice in a request', [
      [TOPIC, 'incremented', []],
      [TOPIC, 'incremented', []],
    ]),
    increment('validate keys of a topic', [[TOPIC, 'incremented', [['retention.ms', SET, '7']]]], true),
    increment('set keys of a broker', [
      [
        BROKER,
        '1',
        [
          ['log.cleaner.threads', SET, '2'],
          ['log.segment.bytes', SET, '500000000'],
        ],
      ],
    ]),
    increment('set keys of all brokers', [
      [
        BROKER,
        '',
        [
          ['log.segment.bytes', SET, '400000000'],
          ['message.max.bytes', SET, '900000'],
        ],
      ],
    ]),
    describe(
      'describe keys set on a broker',
      [[BROKER, '1']],
      { keys: ['log.cleaner.threads', 'log.segment.bytes', 'message.max.bytes'], synonyms: true },
      {
        versions: [4],
        until: (answer) =>
          JSON.stringify(answer).includes('"900000"') && JSON.stringify(answer).includes('"500000000"'),
      },
    ),
    describe(
      'describe a topic below keys set on a broker',
      [[TOPIC, 'incremented']],
      { keys: ['segment.bytes', 'max.message.bytes'], synonyms: true },
      { versions: [4] },
    ),
    describe('describe the default of brokers that was set', [[BROKER, '']], { synonyms: true }, { versions: [1, 4] }),
    increment('set keys of a broker that are refused', [[BROKER, '1', [['log.cleaner.threads', SET, '0']]]]),
    increment('set keys of all brokers that are one broker’s', [[BROKER, '', [['listeners', SET, 'PLAINTEXT://:1']]]]),
    increment('delete keys of brokers', [
      [
        BROKER,
        '1',
        [
          ['log.cleaner.threads', DELETE, null],
          ['log.segment.bytes', DELETE, null],
        ],
      ],
      [
        BROKER,
        '',
        [
          ['log.segment.bytes', DELETE, null],
          ['message.max.bytes', DELETE, null],
        ],
      ],
    ]),
    describe(
      'describe keys deleted on a broker',
      [[BROKER, '1']],
      { keys: ['log.cleaner.threads', 'log.segment.bytes', 'message.max.bytes'], synonyms: true },
      {
        versions: [4],
        until: (answer) =>
          !JSON.stringify(answer).includes('"900000"') && !JSON.stringify(answer).includes('"500000000"'),
      },
    ),
  ];
}

type Entity = Readonly<Record<string, string | null>>;

function quotaSteps(): Step[] {
  const entityOf = (entity: Entity) =>
    Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));
  const change = (
    name: string,
    entries: readonly (readonly [Entity, Readonly<Record<string, number | null>>])[],
    validateOnly = false,
  ) =>
    ask(name, alterClientQuotas, () => ({
      entries: entries.map(([entity, values]) => ({
        entity: entityOf(entity),
        ops: Object.entries(values).map(([key, value]) => ({ key, value: value ?? 0, remove: value === null })),
      })),
      validateOnly,
    }));
  const look = (name: string, components: readonly (readonly [string, number, string | null])[], strict = false) =>
    ask(name, describeClientQuotas, () => ({
      components: components.map(([entityType, matchType, match]) => ({ entityType, matchType, match })),
      strict,
    }));
  return [
    change('set quotas', [
      [{ user: 'alice' }, { producer_byte_rate: 1_000_000, consumer_byte_rate: 2_000_000.5 }],
      [{ 'client-id': 'app' }, { request_percentage: 50 }],
      [{ user: 'alice', 'client-id': 'app' }, { producer_byte_rate: 3000 }],
      [{ user: null }, { controller_mutation_rate: 7 }],
      [{ ip: '10.0.0.1' }, { connection_creation_rate: 12 }],
    ]),
    look('describe all quotas', []),
    look('describe quotas of a user', [['user', 0, 'alice']]),
    look('describe quotas of a user alone', [['user', 0, 'alice']], true),
    look('describe quotas of the default user', [['user', 1, null]]),
    look('describe quotas of any client', [['client-id', 2, null]]),
    look('describe quotas of an address', [['ip', 0, '10.0.0.1']]),
    look('describe quotas of an entity that is none', [['planet', 0, 'earth']]),
    look('describe quotas of an entity twice', [
      ['user', 0, 'a'],
      ['user', 0, 'b'],
    ]),
    look('describe quotas with a match that is none', [['user', 9, 'alice']]),
    look('describe quotas of a user and an address', [
      ['user', 0, 'alice'],
      ['ip', 0, '10.0.0.1'],
    ]),
    change('validate quotas', [[{ user: 'bob' }, { producer_byte_rate: 1 }]], true),
    change('set quotas that are refused', [
      [{ user: 'bob' }, { no_such_rate: 1 }],
      [{ user: 'carol' }, { producer_byte_rate: -1 }],
      [{ user: 'dave' }, { producer_byte_rate: 1.5 }],
      [{ planet: 'earth' }, { producer_byte_rate: 1 }],
      [{ user: 'erin', ip: '10.0.0.2' }, { producer_byte_rate: 1 }],
      [{ ip: 'not an address' }, { connection_creation_rate: 1 }],
      [{ ip: '10.0.0.3' }, { producer_byte_rate: 1 }],
      [{}, { producer_byte_rate: 1 }],
      [{ user: '' }, { producer_byte_rate: 1 }],
    ]),
    change('remove quotas', [
      [{ user: 'alice' }, { producer_byte_rate: null, consumer_byte_rate: null }],
      [{ 'client-id': 'app' }, { request_percentage: null }],
      [{ user: 'alice', 'client-id': 'app' }, { producer_byte_rate: null }],
      [{ user: null }, { controller_mutation_rate: null }],
      [{ ip: '10.0.0.1' }, { connection_creation_rate: null }],
      [{ user: 'nobody' }, { producer_byte_rate: null }],
    ]),
    look('describe all quotas after they were removed', []),
  ];
}

const SHA_256 = 1;
const SHA_512 = 2;

function scramSteps(): Step[] {
  const secret = { salt: Buffer.from('salt'), saltedPassword: Buffer.alloc(32, 7) };
  const upsert = (name: string, mechanism = SHA_256, iterations = 4096) => ({ name, mechanism, iterations, ...secret });
  const look = (name: string, users: readonly string[] | null) =>
    ask(name, describeUserScramCredentials, () => ({
      users: users === null ? null : users.map((user) => ({ name: user })),
    }));
  const change = (
    name: string,
    upsertions: ReturnType<typeof upsert>[],
    deletions: { name: string; mechanism: number }[] = [],
  ) => ask(name, alterUserScramCredentials, () => ({ upsertions, deletions }));
  return [
    look('describe credentials while there are none', null),
    // Both mechanisms of a user in one request pass in ZooKeeper mode only; our broker refuses them as KRaft does.
    change('set credentials', [upsert('alice'), upsert('bob', SHA_512)]),
    change('set a credential of another mechanism', [upsert('alice', SHA_512, 8192)]),
    look('describe all credentials', null),
    look('describe credentials of some', ['alice', 'nobody']),
    look('describe credentials of one twice', ['alice', 'alice', 'bob']),
    look('describe credentials of nobody in particular', []),
    change(
      'set credentials that are refused',
      [
        upsert('few', SHA_256, 4095),
        upsert('many', SHA_256, 16385),
        upsert('odd', 9),
        upsert(''),
        upsert('bob'),
        upsert('bob'),
      ],
      [
        { name: 'nobody', mechanism: SHA_256 },
        { name: 'strange', mechanism: 9 },
        { name: '', mechanism: SHA_256 },
      ],
    ),
    change('set and delete one credential at once', [upsert('alice')], [{ name: 'alice', mechanism: SHA_256 }]),
    change(
      'delete credentials',
      [],
      [
        { name: 'alice', mechanism: SHA_256 },
        { name: 'bob', mechanism: SHA_256 },
      ],
    ),
    look('describe credentials after some were deleted', null),
  ];
}
