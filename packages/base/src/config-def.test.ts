import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inspect } from 'node:util';
import { ConfigDef } from './config-def.ts';
import {
  atLeast,
  between,
  betweenOr,
  type ConfigValidator,
  nonEmptyString,
  oneOf,
  oneOfIgnoringCase,
} from './config-validators.ts';
import {
  ConfigError,
  type ConfigType,
  type ConfigValue,
  formatJavaDouble,
  Password,
  parseConfigValue,
} from './config-values.ts';

const accepted: [ConfigType, string, ConfigValue][] = [
  ['boolean', ' TRUE ', true],
  ['boolean', 'false', false],
  ['int', '+5', 5],
  ['int', ' 7 ', 7],
  ['int', '-2147483648', -2147483648],
  ['short', '32767', 32767],
  ['long', '9223372036854775807', Number.MAX_SAFE_INTEGER],
  ['long', '-9223372036854775808', Number.MIN_SAFE_INTEGER],
  ['long', '99999999999', 99999999999],
  ['double', '1e3', 1000],
  ['double', '0.5d', 0.5],
  ['double', 'Infinity', Number.POSITIVE_INFINITY],
  ['string', ' a b ', 'a b'],
  ['list', '', []],
  ['list', 'a, b ,c', ['a', 'b', 'c']],
  ['list', 'a,,b', ['a', '', 'b']],
  ['class', 'org.example.Thing', 'org.example.Thing'],
];

const refused: [ConfigType, string, string][] = [
  ['boolean', '1', 'Invalid value 1 for configuration k: Expected value to be either true or false'],
  ['int', 'abc', 'Invalid value abc for configuration k: Not a number of type INT'],
  ['int', '', 'Invalid value  for configuration k: Not a number of type INT'],
  ['int', ' true ', 'Invalid value  true  for configuration k: Not a number of type INT'],
  ['int', '2147483648', 'Invalid value 2147483648 for configuration k: Not a number of type INT'],
  ['short', '32768', 'Invalid value 32768 for configuration k: Not a number of type SHORT'],
  ['long', '9223372036854775808', 'Invalid value 9223372036854775808 for configuration k: Not a number of type LONG'],
  ['long', '1.5', 'Invalid value 1.5 for configuration k: Not a number of type LONG'],
  ['double', 'many', 'Invalid value many for configuration k: Not a number of type DOUBLE'],
];

const broken: [ConfigValidator, ConfigType, string, string][] = [
  [atLeast(1), 'int', '0', 'Invalid value 0 for configuration k: Value must be at least 1'],
  [between(0, 1), 'double', '1.25', 'Invalid value 1.25 for configuration k: Value must be no more than 1'],
  [between(0, 1), 'double', '2', 'Invalid value 2.0 for configuration k: Value must be no more than 1'],
  [
    betweenOr(1, 9, -1),
    'int',
    '0',
    'Invalid value 0 for configuration k: Value must be between 1 and 9 or equal to -1',
  ],
  [
    oneOf('compact', 'delete'),
    'list',
    'delete,x',
    'Invalid value x for configuration k: String must be one of: compact, delete',
  ],
  [
    oneOfIgnoringCase('A', 'B'),
    'string',
    'c',
    'Invalid value c for configuration k: String must be one of (case insensitive): A, B',
  ],
  [nonEmptyString, 'string', ' ', 'Invalid value  for configuration k: String must be non-empty'],
];

describe('a configuration value', () => {
  for (const [type, text, value] of accepted) {
    test(`reads ${JSON.stringify(text)} as ${type}`, () => {
      assert.deepEqual(parseConfigValue('k', text, type), value);
    });
  }
  for (const [type, text, message] of refused) {
    test(`refuses ${JSON.stringify(text)} as ${type} in Kafka's words`, () => {
      assert.throws(() => parseConfigValue('k', text, type), new ConfigError(message));
    });
  }
  for (const [validator, type, text, message] of broken) {
    test(`refuses ${JSON.stringify(text)} where ${validator.description} is the rule`, () => {
      const def = new ConfigDef([{ name: 'k', type, validator, importance: 'low', doc: '' }]);
      assert.throws(() => def.parseValue('k', text), new ConfigError(message));
    });
  }

  test('hides a password wherever it is printed', () => {
    const password = parseConfigValue('k', 'sesame', 'password');
    assert(password instanceof Password);
    assert.equal(password.reveal(), 'sesame');
    for (const printed of [String(password), JSON.stringify({ password }), inspect(password)]) {
      assert(!printed.includes('sesame'), printed);
    }
  });

  test('prints doubles as Java does', () => {
    const printed = [0, 150, 0.5, 1048576, 10485760, 1e7, 9999999, 1e-3, 0.00012, 1e21, 100 / 3, 2147483647].map(
      formatJavaDouble,
    );
    assert.deepEqual(printed, [
      '0.0',
      '150.0',
      '0.5',
      '1048576.0',
      '1.048576E7',
      '1.0E7',
      '9999999.0',
      '0.001',
      '1.2E-4',
      '1.0E21',
      '33.333333333333336',
      '2.147483647E9',
    ]);
  });
});

describe('a table of keys', () => {
  const def = new ConfigDef([
    {
      name: 'retention.ms',
      type: 'long',
      default: '604800000',
      validator: atLeast(-1),
      importance: 'high',
      doc: 'How long.',
    },
    { name: 'flush.ms', type: 'long', default: '9223372036854775807', importance: 'low', doc: 'When.' },
    {
      name: 'policy',
      type: 'list',
      default: 'delete',
      validator: oneOf('compact', 'delete'),
      importance: 'low',
      doc: 'a|b',
    },
    { name: 'rack', type: 'string', default: null, importance: 'low', doc: 'Where.' },
  ]);

  test('gives defaults typed, and given values in place of them', () => {
    const parsed = def.parse(new Map([['retention.ms', '-1']]));
    assert.equal(parsed.number('retention.ms'), -1);
    assert.deepEqual(parsed.list('policy'), ['delete']);
    assert.equal(parsed.stringOrNull('rack'), null);
    assert.equal(parsed.isGiven('retention.ms'), true);
    assert.equal(parsed.isGiven('policy'), false);
  });

  test('keeps the digits of a long that a number cannot hold', () => {
    assert.equal(def.parse(new Map()).text('flush.ms'), '9223372036854775807');
    assert.equal(def.parse(new Map([['flush.ms', '9007199254740999']])).text('flush.ms'), '9007199254740999');
  });

  test('reports unknown keys and parses the rest', () => {
    assert.deepEqual(
      def.parse(
        new Map([
          ['no.such', '1'],
          ['__proto__', '2'],
        ]),
      ).unknownKeys,
      ['no.such', '__proto__'],
    );
  });

  test('names a required key that is missing', () => {
    const strict = new ConfigDef([{ name: 'must', type: 'int', importance: 'high', doc: '' }]);
    assert.throws(() => strict.parse(new Map()), /Missing required configuration "must" which has no default value\./);
  });

  test('refuses to define a key twice, and to answer for one it does not have', () => {
    const key = { name: 'k', type: 'int', importance: 'low', doc: '' } as const;
    assert.throws(() => new ConfigDef([key, key]), /defined twice/);
    assert.throws(() => def.parse(new Map()).number('nope'), /no configuration is called nope/);
    assert.throws(() => def.parse(new Map()).number('policy'), /not a number/);
  });

  test('documents itself as a table', () => {
    const lines = def.document().split('\n');
    assert.equal(lines[2], '| `flush.ms` | long | `9223372036854775807` |  | When. |');
    assert.equal(lines[3], '| `policy` | list | `delete` | [compact, delete] | a\\|b |');
  });
});
