import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ApiKeys, apiName } from './api-keys.ts';
import { API_RELEASES, apiLevels } from './api-levels.ts';
import { apiCodecs } from './codecs.ts';
import { isJsonObject } from './conformance/vector-json.ts';
import { kafkaApiVersions, skipWithoutFacts } from './testing/facts.ts';

describe('apiLevels', () => {
  test('says of every API what the releases of Kafka say', { skip: skipWithoutFacts }, () => {
    const apis = kafkaApiVersions();
    assert.ok(apis.length >= 93);
    for (const { apiKey, name, versions, servedByZooKeeperModeBroker39 } of apis) {
      assert.ok(typeof apiKey === 'number' && isJsonObject(versions));
      const level = apiLevels.get(apiKey);
      for (const release of API_RELEASES)
        assert.deepEqual(level?.versions[release] ?? null, versions[release], `${name}`);
      if (level === undefined) continue;
      assert.equal(level.name, name);
      assert.equal(level.servedByZooKeeperModeBroker, servedByZooKeeperModeBroker39, `${name}`);
    }
  });

  test('names 62 APIs that a broker of 3.9 in ZooKeeper mode serves', () => {
    assert.equal([...apiLevels.values()].filter((level) => level.servedByZooKeeperModeBroker).length, 62);
  });

  test('names no version without a codec', () => {
    for (const { apiKey, name, versions } of apiLevels.values()) {
      const codec = apiCodecs.get(apiKey);
      assert.equal(codec?.name, name);
      for (const range of Object.values(versions)) {
        for (const version of range ?? []) assert.ok(codec?.request.hasVersion(version), `${name} ${version}`);
      }
    }
  });
});

describe('API keys', () => {
  test('are names of codecs, both ways', () => {
    assert.equal(ApiKeys.InitProducerId, 22);
    assert.equal(apiName(22), 'InitProducerId');
    assert.equal(apiName(-1), undefined);
    for (const codec of apiCodecs.values()) assert.equal(apiName(codec.apiKey), codec.name);
  });
});
