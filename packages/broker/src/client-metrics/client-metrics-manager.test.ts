// Subscription ids, orders and error codes are those that a broker of Kafka 3.9.1 with a telemetry plugin gave to the same requests.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type ErrorCode,
  Errors,
  FakeClock,
  KafkaError,
  MetricsRegistry,
  ONE_UUID,
  SeededRandom,
  silentLogger,
  uuidFromBytes,
  ZERO_UUID,
} from '@ottla/base';
import type { GetTelemetrySubscriptionsResponse } from '@ottla/protocol';
import { compress } from '@ottla/records';
import { ClientInformationRegistry } from '../server/client-information.ts';
import { contextForTest } from '../server/testing/services-for-test.ts';
import { CACHE_SIZE_MAX, ClientMetricsManager } from './client-metrics-manager.ts';
import type { ClientTelemetryContext, ClientTelemetryPayload } from './client-telemetry-receiver.ts';

const ID = 'AAECAwQFBgcICQoLDA0ODw';
const SUBSCRIPTION_ID = -1680230509;
const S1 = {
  metrics: 'org.apache.kafka.producer.,org.apache.kafka.consumer.,a,b,c,d,e,f,g,h,i,j,k',
  'interval.ms': '1500',
  match: 'client_software_name=pro.*,client_source_address=127\\..*',
};
const INTERVAL_MS = 1500;

interface Push {
  readonly clientInstanceId?: string;
  readonly subscriptionId?: number;
  readonly terminating?: boolean;
  readonly compressionType?: number;
  readonly metrics?: Buffer;
}

class Fixture {
  readonly clock = new FakeClock();
  readonly metrics = new MetricsRegistry(this.clock);
  readonly exported: ClientTelemetryPayload[] = [];
  readonly contexts: ClientTelemetryContext[] = [];
  failure: Error | undefined;
  readonly manager = new ClientMetricsManager({
    clock: this.clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    metrics: this.metrics,
    telemetryBytesMax: 1000,
    receiver: {
      exportMetrics: (context, payload) => {
        if (this.failure !== undefined) throw this.failure;
        this.contexts.push(context);
        this.exported.push(payload);
      },
    },
  });
  readonly #context = this.#newContext();

  set(name: string, config: Record<string, string>): void {
    this.manager.updateSubscription(name, new Map(Object.entries(config)));
  }

  get(id = ID): GetTelemetrySubscriptionsResponse {
    return this.manager.getSubscription(id, this.#context);
  }

  getError(id = ID): ErrorCode {
    try {
      return this.get(id).errorCode ?? Errors.NONE;
    } catch (error) {
      assert.ok(error instanceof KafkaError);
      return error.code;
    }
  }

  push(given: Push = {}): Promise<ErrorCode> {
    return this.manager.push(
      {
        clientInstanceId: ID,
        subscriptionId: SUBSCRIPTION_ID,
        terminating: false,
        compressionType: 0,
        metrics: Buffer.from('hello'),
        ...given,
      },
      this.#context,
    );
  }

  #newContext() {
    const clientInformation = new ClientInformationRegistry();
    const context = contextForTest({ apiKey: 71, apiVersion: 0, clientId: 'app' }, { clientInformation });
    clientInformation.register(context.connection, { softwareName: 'probe', softwareVersion: '1' });
    return context;
  }
}

function subscribed(): Fixture {
  const fixture = new Fixture();
  fixture.set('s1', S1);
  assert.equal(fixture.get().subscriptionId, SUBSCRIPTION_ID);
  return fixture;
}

describe('GetTelemetrySubscriptions', () => {
  test('without subscriptions asks for nothing, every five minutes', () => {
    assert.deepEqual(new Fixture().get(), {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      clientInstanceId: ID,
      subscriptionId: -725132322,
      acceptedCompressionTypes: [4, 3, 1, 2],
      pushIntervalMs: 300_000,
      telemetryMaxBytes: 1000,
      deltaTemporality: true,
      requestedMetrics: [],
    });
  });

  test('gives the metrics and the number that Kafka gives', () => {
    const fixture = new Fixture();
    fixture.set('s1', S1);
    const { subscriptionId, requestedMetrics, pushIntervalMs } = fixture.get();
    assert.equal(subscriptionId, SUBSCRIPTION_ID);
    assert.equal(pushIntervalMs, INTERVAL_MS);
    assert.deepEqual(requestedMetrics, [...'abcdefghijk', 'org.apache.kafka.producer.', 'org.apache.kafka.consumer.']);
  });

  test('joins the subscriptions that match, at the shortest interval; * is all', () => {
    const fixture = new Fixture();
    fixture.set('mine', { metrics: 'a', 'interval.ms': '5000', match: 'client_id=a.p' });
    fixture.set('too', { metrics: 'b,a', 'interval.ms': '4000', match: 'client_source_port=4\\d+' });
    fixture.set('not mine', { metrics: '*', 'interval.ms': '100', match: 'client_id=ap' });
    fixture.set('nor this', { metrics: '*', match: 'client_id=app,client_software_version=2' });
    assert.deepEqual([fixture.get().requestedMetrics, fixture.get(ONE_UUID).pushIntervalMs], [['a', 'b'], 4000]);
    fixture.set('all', { metrics: '*', 'interval.ms': '1500' });
    const { requestedMetrics, subscriptionId } = fixture.get();
    assert.deepEqual([requestedMetrics, subscriptionId], [['*'], 152339677]);
  });

  test('gives an id to a client that has none', () => {
    const first = new Fixture().get(ZERO_UUID);
    assert.notEqual(first.clientInstanceId, ZERO_UUID);
    assert.match(first.clientInstanceId ?? '', /^[\w-]{22}$/);
  });

  test('is refused before the push interval is over, even after an unknown subscription, but not after a change', async () => {
    const fixture = subscribed();
    assert.equal(fixture.getError(), Errors.THROTTLING_QUOTA_EXCEEDED);
    assert.equal(await fixture.push({ subscriptionId: 1 }), Errors.UNKNOWN_SUBSCRIPTION_ID);
    assert.equal(fixture.getError(), Errors.THROTTLING_QUOTA_EXCEEDED);
    fixture.set('s1', { ...S1, metrics: '*' });
    assert.equal(fixture.get().subscriptionId, 152339677);
    fixture.set('s1', {});
    assert.equal(fixture.get().subscriptionId, -725132322);
    assert.equal(fixture.getError(), Errors.THROTTLING_QUOTA_EXCEEDED);
    await fixture.clock.advance(300_000);
    assert.equal(fixture.getError(), Errors.NONE);
  });

  test('a subscription that is not valid changes nothing', () => {
    const fixture = subscribed();
    assert.throws(() => fixture.set('s1', { metrics: '*', match: 'client_id=\\bapp' }), /not supported/);
    assert.throws(() => fixture.set('s2', { metrics: '*', match: 'client_id=(' }), /: client_id=\($/);
    assert.equal(fixture.get(ONE_UUID).pushIntervalMs, INTERVAL_MS);
  });
});

describe('PushTelemetry', () => {
  test('comes at once after the subscription, then once an interval', async () => {
    const fixture = subscribed();
    assert.equal(await fixture.push(), Errors.NONE);
    assert.equal(await fixture.push(), Errors.THROTTLING_QUOTA_EXCEEDED);
    await fixture.clock.advance(INTERVAL_MS);
    assert.equal(await fixture.push(), Errors.NONE);
    assert.equal(fixture.exported.length, 2);
    assert.deepEqual(fixture.exported[0], {
      clientInstanceId: ID,
      isTerminating: false,
      contentType: 'OTLP',
      data: Buffer.from('hello'),
    });
    assert.equal(fixture.contexts[0]?.softwareName, 'probe');
    assert.equal(fixture.contexts[0]?.clientId, 'app');
  });

  test('may come early to say goodbye, and nothing is taken after that', async () => {
    const fixture = subscribed();
    assert.equal(await fixture.push(), Errors.NONE);
    assert.equal(await fixture.push({ terminating: true }), Errors.NONE);
    assert.equal(await fixture.push({ terminating: true }), Errors.INVALID_REQUEST);
    assert.equal(await fixture.push(), Errors.INVALID_REQUEST);
    assert.deepEqual(
      fixture.exported.map(({ isTerminating }) => isTerminating),
      [false, true],
    );
  });

  const REFUSALS: readonly [string, Push, ErrorCode][] = [
    ['without an id', { clientInstanceId: ZERO_UUID }, Errors.INVALID_REQUEST],
    ['with a reserved id', { clientInstanceId: ONE_UUID }, Errors.INVALID_REQUEST],
    ['for another subscription', { subscriptionId: 1 }, Errors.UNKNOWN_SUBSCRIPTION_ID],
    ['from a client that never asked', { clientInstanceId: 'EBAgMEBQYHCAkKCwwNDg8A', subscriptionId: 0 }, 117],
    ['in a compression nobody knows', { compressionType: 9 }, Errors.UNSUPPORTED_COMPRESSION_TYPE],
    ['in a compression below zero', { compressionType: -1 }, Errors.UNSUPPORTED_COMPRESSION_TYPE],
    ['of too many bytes', { metrics: Buffer.alloc(1001) }, Errors.TELEMETRY_TOO_LARGE],
    ['that is not gzip', { compressionType: 1 }, Errors.INVALID_RECORD],
    ['that unpacks to too much', { compressionType: 1, metrics: compress('gzip', Buffer.alloc(40_000)) }, 118],
  ];
  for (const [name, given, expected] of REFUSALS) {
    test(`${name} is refused`, async () => {
      const fixture = subscribed();
      assert.equal(await fixture.push(given), expected);
      assert.equal(fixture.exported.length, 0);
    });
  }

  test('is decompressed, and an empty one goes nowhere', async () => {
    const fixture = subscribed();
    assert.equal(await fixture.push({ compressionType: 3, metrics: compress('lz4', Buffer.from('packed')) }), 0);
    assert.equal(String(fixture.exported[0]?.data), 'packed');
    await fixture.clock.advance(INTERVAL_MS);
    assert.equal(await fixture.push({ metrics: Buffer.alloc(0) }), Errors.NONE);
    assert.equal(fixture.exported.length, 1);
  });

  test('that the receiver fails to take is answered INVALID_RECORD', async () => {
    const fixture = subscribed();
    fixture.failure = new Error('full');
    assert.equal(await fixture.push(), Errors.INVALID_RECORD);
  });
});

describe('clients', () => {
  const instanceCount = ({ metrics }: Fixture) => {
    const gauge = metrics.get({ group: 'kafka.server', type: 'client-metrics', name: 'instance-count' });
    return gauge !== undefined && 'read' in gauge ? gauge.read() : undefined;
  };

  test('are forgotten after three intervals of silence, a minute at least', async () => {
    const fixture = subscribed();
    await fixture.clock.advance(59_999);
    fixture.get();
    await fixture.clock.advance(59_999);
    assert.equal(instanceCount(fixture), 1);
    await fixture.clock.advance(1);
    assert.equal(instanceCount(fixture), 0);
    fixture.set('s1', { ...S1, 'interval.ms': '100000' });
    fixture.get();
    await fixture.clock.advance(299_999);
    assert.equal(instanceCount(fixture), 1);
    await fixture.clock.advance(1);
    assert.equal(instanceCount(fixture), 0);
  });

  test('are as many as the cache holds, the least recently seen one goes', () => {
    const fixture = subscribed();
    const id = Buffer.alloc(16, 7);
    for (let i = 0; i < CACHE_SIZE_MAX; i++) {
      id.writeInt32BE(i, 12);
      fixture.get(uuidFromBytes(id));
    }
    assert.equal(instanceCount(fixture), CACHE_SIZE_MAX);
    // Forgotten, the first client is a new one: it does not come too early.
    assert.equal(fixture.getError(), Errors.NONE);
    assert.equal(fixture.getError(uuidFromBytes(id)), Errors.THROTTLING_QUOTA_EXCEEDED);
    fixture.manager.close();
    assert.equal(fixture.clock.pendingCount, 0);
    assert.equal(instanceCount(fixture), undefined);
  });
});
