import assert from 'node:assert/strict';
import { pbkdf2Sync } from 'node:crypto';
import { describe, test } from 'node:test';
import { Errors, errorName, KafkaError } from '@ottla/base';
import { type QuotaEntity, QuotaMatch } from './client-quota-admin.ts';
import { type ConfigFixture, configFixture } from './testing/config-fixture.ts';

type Entity = [type: string, name: string | null][];

async function withFixture(run: (fixture: ConfigFixture) => Promise<void>): Promise<void> {
  const fixture = await configFixture();
  try {
    await run(fixture);
  } finally {
    await fixture.close();
  }
}

function setQuota({ services }: ConfigFixture, entity: Entity, key: string, value: number): Promise<void> {
  return services.clientQuotas.alter(new Map(entity), [{ key, value, remove: false }], false);
}

/** Kafka's answers: what a 3.9 broker in ZooKeeper mode said to these requests. */
const refusals: [Entity, string, number, string][] = [
  [[['user', 'u']], 'producer_byte_rate', 1024.5, 'Configuration producer_byte_rate must be a LONG value'],
  [[['user', 'u']], 'producer_byte_rate', -1, 'Configuration producer_byte_rate must be a LONG value'],
  [[['user', 'u']], 'consumer_byte_rate', 1e19, 'Configuration consumer_byte_rate must be a LONG value'],
  [[['user', 'u']], 'nope', 1, 'Invalid configuration key nope'],
  [[['nope', 'u']], 'producer_byte_rate', 1, 'Unhandled client quota entity type: nope'],
  [[], 'producer_byte_rate', 1, 'Invalid empty client quota entity'],
  [[['user', '']], 'producer_byte_rate', 1, 'Empty user not supported'],
  [[['ip', '1.2.3.4']], 'connection_creation_rate', 25.5, 'Configuration connection_creation_rate must be a INT value'],
  [[['ip', 'not an ip!']], 'connection_creation_rate', 25, 'not%20an%20ip%21 is not a valid IP or resolvable host.'],
  [
    [
      ['ip', '1.2.3.4'],
      ['user', 'u'],
    ],
    'connection_creation_rate',
    25,
    'Invalid quota entity combination, IP entity should not be used with user/client ID entity.',
  ],
  [[['ip', '1.2.3.4']], 'producer_byte_rate', 25, 'Invalid configuration key producer_byte_rate'],
  [[['user', 'u']], 'connection_creation_rate', 25, 'Invalid configuration key connection_creation_rate'],
];

describe('client quotas', () => {
  for (const [entity, key, value, message] of refusals) {
    test(`refuse ${key}=${value} for ${JSON.stringify(entity)}`, async () => {
      await withFixture(async (fixture) => {
        await assert.rejects(setQuota(fixture, entity, key, value), (error) => {
          assert(error instanceof KafkaError, String(error));
          assert.deepEqual([errorName(error.code), error.message], ['INVALID_REQUEST', message]);
          return true;
        });
      });
    });
  }

  test('stand in the tree where Kafka puts them, in its spelling', async () => {
    await withFixture(async (fixture) => {
      await setQuota(
        fixture,
        [
          ['user', 'u /1'],
          ['client-id', null],
        ],
        'request_percentage',
        150,
      );
      await setQuota(fixture, [['ip', '::1']], 'connection_creation_rate', 25);
      await setQuota(fixture, [['client-id', 'c']], 'producer_byte_rate', 10485760);
      const { zkClient } = fixture;
      assert.deepEqual(
        await zkClient.getEntityConfigs('users', 'u%20%2F1/clients/<default>'),
        new Map([['request_percentage', '150.0']]),
      );
      assert.deepEqual(
        await zkClient.getEntityConfigs('ips', '%3A%3A1'),
        new Map([['connection_creation_rate', '25']]),
      );
      assert.deepEqual(await zkClient.getEntityConfigs('clients', 'c'), new Map([['producer_byte_rate', '10485760']]));
    });
  });

  test('are found by type, by name, by default, and strictly', async () => {
    await withFixture(async (fixture) => {
      const rate = 'consumer_byte_rate';
      await setQuota(fixture, [['user', 'u1']], rate, 1);
      await setQuota(fixture, [['user', null]], rate, 2);
      await setQuota(
        fixture,
        [
          ['user', 'u1'],
          ['client-id', 'c'],
        ],
        rate,
        3,
      );
      await setQuota(fixture, [['client-id', 'c']], rate, 4);
      await setQuota(fixture, [['ip', '1.2.3.4']], 'connection_creation_rate', 5);
      const found = async (components: [string, number, string | null][], strict: boolean) => {
        const filter = components.map(([entityType, matchType, match]) => ({ entityType, matchType, match }));
        const described = await fixture.services.clientQuotas.describe(filter, strict);
        return described.flatMap(({ values }) => [...values.values()]).sort();
      };
      assert.deepEqual(await found([], false), [1, 2, 3, 4, 5]);
      assert.deepEqual(await found([], true), []);
      assert.deepEqual(await found([['user', QuotaMatch.SPECIFIED, null]], false), [1, 2, 3]);
      assert.deepEqual(await found([['user', QuotaMatch.SPECIFIED, null]], true), [1, 2]);
      assert.deepEqual(await found([['user', QuotaMatch.EXACT, 'u1']], true), [1]);
      assert.deepEqual(await found([['user', QuotaMatch.EXACT, 'u1']], false), [1, 3]);
      assert.deepEqual(await found([['user', QuotaMatch.DEFAULT, null]], false), [2]);
      assert.deepEqual(await found([['client-id', QuotaMatch.SPECIFIED, null]], true), [4]);
      assert.deepEqual(await found([['ip', QuotaMatch.SPECIFIED, null]], false), [5]);
    });
  });

  test('are gone once removed, and unknown filters are refused', async () => {
    await withFixture(async ({ services: { clientQuotas } }) => {
      const entity: QuotaEntity = new Map([['user', 'u']]);
      await clientQuotas.alter(entity, [{ key: 'producer_byte_rate', value: 5, remove: false }], false);
      await clientQuotas.alter(entity, [{ key: 'producer_byte_rate', value: 0, remove: true }], false);
      assert.deepEqual(await clientQuotas.describe([], false), []);
      const user = { entityType: 'user', matchType: QuotaMatch.SPECIFIED, match: null };
      await assert.rejects(clientQuotas.describe([user, user], false), /Duplicate user filter component entity type/);
      await assert.rejects(
        clientQuotas.describe([{ ...user, entityType: 'nope' }], false),
        /Custom entity type 'nope' not supported/,
      );
      await assert.rejects(
        clientQuotas.describe([user, { ...user, entityType: 'ip' }], false),
        /should not be used with user or clientId/,
      );
      await assert.rejects(clientQuotas.describe([{ ...user, matchType: 9 }], false), /Unexpected match type: 9/);
    });
  });
});

const SALT = Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64');
const upsertion = (name: string, iterations = 4096, mechanism = 1) => ({
  name,
  mechanism,
  iterations,
  salt: SALT,
  saltedPassword: pbkdf2Sync('pencil', SALT, iterations, 32, 'sha256'),
});
const unforeseen = (error: unknown) => ({ code: Errors.UNKNOWN_SERVER_ERROR, message: String(error) });

describe('SCRAM credentials', () => {
  test('are stored as the keys of RFC 7677 and Kafka’s text', async () => {
    await withFixture(async ({ services, zkClient }) => {
      assert.deepEqual(await services.scramCredentials.alter([], [upsertion('us er')], unforeseen), [
        { user: 'us er', errorCode: 0, errorMessage: '' },
      ]);
      const stored = (await zkClient.getEntityConfigs('users', 'us%20er')).get('SCRAM-SHA-256');
      assert.equal(
        stored,
        'salt=W22ZaJ0SNY7soEsUEjb6gQ==,stored_key=WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,server_key=wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=,iterations=4096',
      );
    });
  });

  const outcomes: [string, Parameters<ConfigFixture['services']['scramCredentials']['alter']>, string, string][] = [
    ['too few iterations', [[], [upsertion('u', 10)], unforeseen], 'UNACCEPTABLE_CREDENTIAL', 'Too few iterations'],
    [
      'too many iterations',
      [[], [upsertion('u', 16385)], unforeseen],
      'UNACCEPTABLE_CREDENTIAL',
      'Too many iterations',
    ],
    ['no user name', [[], [upsertion('')], unforeseen], 'UNACCEPTABLE_CREDENTIAL', 'Username must not be empty'],
    [
      'an unknown mechanism',
      [[{ name: 'u', mechanism: 9 }], [], unforeseen],
      'UNSUPPORTED_SASL_MECHANISM',
      'Unknown SCRAM mechanism',
    ],
    [
      'a deletion of nothing',
      [[{ name: 'u', mechanism: 1 }], [], unforeseen],
      'RESOURCE_NOT_FOUND',
      'Attempt to delete a user credential that does not exist',
    ],
    [
      'one user twice',
      [[], [upsertion('u'), upsertion('u', 4096, 2)], unforeseen],
      'DUPLICATE_RESOURCE',
      'A user credential cannot be altered twice in the same request',
    ],
  ];
  for (const [what, args, code, message] of outcomes) {
    test(`refuse ${what}`, async () => {
      await withFixture(async ({ services }) => {
        const [result] = await services.scramCredentials.alter(...args);
        assert.deepEqual([errorName(result?.errorCode ?? 0), result?.errorMessage], [code, message]);
      });
    });
  }

  test('are listed without secrets, and deleted one by one', async () => {
    await withFixture(async ({ services: { scramCredentials } }) => {
      await scramCredentials.alter([], [upsertion('a', 8192), upsertion('b', 4096, 2)], unforeseen);
      const all = await scramCredentials.describe(undefined);
      assert.deepEqual(
        all.map(({ user, credentialInfos }) => [user, credentialInfos]),
        [
          ['a', [{ mechanism: 1, iterations: 8192 }]],
          ['b', [{ mechanism: 2, iterations: 4096 }]],
        ],
      );
      await scramCredentials.alter([{ name: 'a', mechanism: 1 }], [], unforeseen);
      const [a, b, twice] = await scramCredentials.describe(['a', 'b', 'c', 'c']);
      assert.equal(a?.errorMessage, 'Attempt to describe a user credential that does not exist: a');
      assert.equal(a?.errorCode, Errors.RESOURCE_NOT_FOUND);
      assert.equal(b?.errorCode, Errors.NONE);
      assert.equal(
        twice?.errorMessage,
        'Cannot describe SCRAM credentials for the same user twice in a single request: c',
      );
    });
  });
});
