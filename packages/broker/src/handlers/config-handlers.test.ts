// The configuration APIs through their codecs, in every version: what goes out is what a client of that version reads.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type ByteChunk, ByteReader, ByteWriter, Errors, isByteSource, readFully } from '@ottla/base';
import type { Decoded } from '@ottla/protocol';
import { ConfigResourceType, ConfigSource } from '../config/config-resource.ts';
import { type ConfigFixture, configFixture, FIXTURE_BROKER_ID } from '../config/testing/config-fixture.ts';
import { MetadataCache } from '../metadata/metadata-cache.ts';
import type { Handler } from '../server/handler.ts';
import { contextForTest } from '../server/testing/services-for-test.ts';
import { describeConfigs } from './32-describe-configs.ts';
import { alterConfigs } from './33-alter-configs.ts';
import { incrementalAlterConfigs } from './44-incremental-alter-configs.ts';
import { describeClientQuotas } from './48-describe-client-quotas.ts';
import { alterClientQuotas } from './49-alter-client-quotas.ts';
import { describeUserScramCredentials } from './50-describe-user-scram-credentials.ts';
import { alterUserScramCredentials } from './51-alter-user-scram-credentials.ts';
import { listClientMetricsResources } from './74-list-client-metrics-resources.ts';

/** Asks in `version` and reads the answer as a client does. */
async function ask<Request, Response>(
  handler: Handler<Request, Response>,
  version: number,
  request: Decoded<Request>,
  { services, config, zkClient }: ConfigFixture,
): Promise<Decoded<Response>> {
  const context = contextForTest(
    { apiKey: handler.api.apiKey, apiVersion: version },
    {
      configs: services,
      configRepository: services.repository,
      config,
      zkClient,
      brokerId: FIXTURE_BROKER_ID,
      metadataCache: new MetadataCache(),
    },
  );
  const response = await handler.handle(request, context);
  assert(response !== undefined && !(typeof response === 'object' && response !== null && 'dispatched' in response));
  const writer = new ByteWriter();
  handler.api.response.write(writer, response, version);
  return handler.api.response.read(new ByteReader(joined(writer.finish())), version);
}

function joined(chunks: readonly ByteChunk[]): Buffer {
  return Buffer.concat(chunks.map((chunk) => (isByteSource(chunk) ? readFully(chunk) : chunk)));
}

async function withFixture(run: (fixture: ConfigFixture) => Promise<void>): Promise<void> {
  const fixture = await configFixture();
  try {
    await run(fixture);
  } finally {
    await fixture.close();
  }
}

const BROKER = { resourceType: ConfigResourceType.BROKER, resourceName: String(FIXTURE_BROKER_ID) };

describe('DescribeConfigs', () => {
  for (const version of [0, 1, 2, 3, 4]) {
    test(`version ${version} describes a broker's settings`, async () => {
      await withFixture(async (fixture) => {
        const request = {
          resources: [{ ...BROKER, configurationKeys: ['num.partitions', 'ssl.key.password'] }],
          includeSynonyms: version >= 1,
          includeDocumentation: version >= 3,
        };
        const [result] = (await ask(describeConfigs, version, request, fixture)).results;
        const [first, second] = result?.configs.toSorted((a, b) => (a.name < b.name ? -1 : 1)) ?? [];
        assert.deepEqual([result?.errorCode, result?.configs.length], [0, 2]);
        assert.deepEqual([first?.name, first?.value, first?.readOnly], ['num.partitions', '1', true]);
        assert.equal(first?.isDefault, false);
        assert.equal(first?.configSource, version === 0 ? -1 : ConfigSource.DEFAULT_CONFIG);
        assert.equal(first?.synonyms.length, version === 0 ? 0 : 1);
        assert.equal(first?.configType, version < 3 ? 0 : 3);
        assert.equal((first?.documentation ?? '').length > 0, version >= 3);
        assert.deepEqual([second?.value, second?.isSensitive], [null, true]);
      });
    });
  }

  const refusals: [type: number, name: string, code: keyof typeof Errors, message: string][] = [
    [ConfigResourceType.TOPIC, 'nope', 'UNKNOWN_TOPIC_OR_PARTITION', ''],
    [ConfigResourceType.TOPIC, '', 'INVALID_TOPIC_EXCEPTION', 'Topic name is invalid: the empty string is not allowed'],
    [
      ConfigResourceType.BROKER,
      '2',
      'INVALID_REQUEST',
      'Unexpected broker id, expected 1 or empty string, but received 2',
    ],
    [ConfigResourceType.BROKER_LOGGER, '', 'INVALID_REQUEST', 'Broker id must not be empty'],
    [ConfigResourceType.BROKER_LOGGER, '2', 'INVALID_REQUEST', 'Unexpected broker id, expected 1 but received 2'],
    [ConfigResourceType.GROUP, 'g', 'INVALID_REQUEST', 'Unsupported resource type: 32'],
  ];
  for (const [resourceType, resourceName, code, message] of refusals) {
    test(`refuses resource ${resourceType} ${JSON.stringify(resourceName)} and answers the others`, async () => {
      await withFixture(async (fixture) => {
        const resources = [
          { resourceType, resourceName, configurationKeys: null },
          { ...BROKER, configurationKeys: null },
        ];
        const request = { resources, includeSynonyms: false, includeDocumentation: false };
        const [refused, answered] = (await ask(describeConfigs, 4, request, fixture)).results;
        assert.deepEqual([refused?.errorCode, refused?.errorMessage, refused?.configs], [Errors[code], message, []]);
        assert.equal(answered?.errorCode, 0);
      });
    });
  }

  test('answers every resource when the whole request failed', () => {
    const request = {
      resources: [{ ...BROKER, configurationKeys: null }],
      includeSynonyms: false,
      includeDocumentation: false,
    };
    const response = describeConfigs.errorResponse(request, Errors.REQUEST_TIMED_OUT, 'm', 4);
    assert.deepEqual(response?.results, [
      { ...BROKER, errorCode: Errors.REQUEST_TIMED_OUT, errorMessage: 'm', configs: [] },
    ]);
  });
});

test('AlterConfigs and IncrementalAlterConfigs answer each resource, and refuse one that is named twice', async () => {
  await withFixture(async (fixture) => {
    const set = { name: 'max.connections', value: '5' };
    const loggers = { resourceType: ConfigResourceType.BROKER_LOGGER, resourceName: '1' };
    for (const version of [0, 1, 2]) {
      const request = {
        resources: [
          { ...BROKER, configs: [set] },
          { ...loggers, configs: [set] },
        ],
        validateOnly: false,
      };
      const { responses } = await ask(alterConfigs, version, request, fixture);
      assert.deepEqual(
        responses.map(({ errorCode }) => errorCode),
        [0, Errors.INVALID_REQUEST],
      );
    }
    for (const version of [0, 1]) {
      const operation = { ...set, configOperation: 0 };
      const twice = { ...loggers, configs: [operation] };
      const request = { resources: [{ ...BROKER, configs: [operation] }, twice, { ...twice }], validateOnly: false };
      const { responses } = await ask(incrementalAlterConfigs, version, request, fixture);
      assert.deepEqual(
        responses.map(({ errorCode }) => errorCode),
        [0, Errors.INVALID_REQUEST, Errors.INVALID_REQUEST],
      );
      assert.equal(responses[1]?.errorMessage, 'Each resource must appear at most once.');
    }
    assert.equal(fixture.config.number('max.connections'), 5);
  });
});

test('client quotas are altered and described in every version', async () => {
  await withFixture(async (fixture) => {
    for (const version of [0, 1]) {
      const entity = [
        { entityType: 'user', entityName: 'u' },
        { entityType: 'client-id', entityName: null },
      ];
      const entry = { entity, ops: [{ key: 'producer_byte_rate', value: 1024, remove: false }] };
      const bad = { entity: [{ entityType: 'x', entityName: 'u' }], ops: [] };
      const altered = await ask(alterClientQuotas, version, { entries: [entry, bad], validateOnly: false }, fixture);
      assert.deepEqual(
        altered.entries.map(({ errorCode }) => errorCode),
        [0, Errors.INVALID_REQUEST],
      );
      const described = await ask(describeClientQuotas, version, { components: [], strict: false }, fixture);
      assert.deepEqual(described.entries, [{ entity, values: [{ key: 'producer_byte_rate', value: 1024 }] }]);
    }
  });
});

test('SCRAM credentials are altered and described', async () => {
  await withFixture(async (fixture) => {
    const upsertion = {
      name: 'u',
      mechanism: 1,
      iterations: 4096,
      salt: Buffer.from('s'),
      saltedPassword: Buffer.from('p'),
    };
    const altered = await ask(
      alterUserScramCredentials,
      0,
      { deletions: [{ name: 'v', mechanism: 1 }], upsertions: [upsertion] },
      fixture,
    );
    assert.deepEqual(
      altered.results.map(({ user, errorCode }) => [user, errorCode]),
      [
        ['v', Errors.RESOURCE_NOT_FOUND],
        ['u', 0],
      ],
    );
    const described = await ask(describeUserScramCredentials, 0, { users: null }, fixture);
    assert.deepEqual(described.results[0]?.credentialInfos, [{ mechanism: 1, iterations: 4096 }]);
    const unknown = await ask(describeUserScramCredentials, 0, { users: [{ name: 'v' }] }, fixture);
    assert.equal(unknown.results[0]?.errorCode, Errors.RESOURCE_NOT_FOUND);
  });
});

test('client metrics subscriptions are listed while they have a setting', async () => {
  await withFixture(async (fixture) => {
    const resource = { type: ConfigResourceType.CLIENT_METRICS, name: 'a b' };
    const list = async () => (await ask(listClientMetricsResources, 0, { resourceTypes: [] }, fixture)).configResources;
    await fixture.services.admin.alter(resource, [{ name: 'interval.ms', value: '1000' }], false);
    assert.deepEqual(
      (await list()).map(({ resourceName }) => resourceName),
      ['a b'],
    );
    await fixture.services.admin.alter(resource, [], false);
    assert.deepEqual(await list(), []);
  });
});
