import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type ByteChunk,
  ByteReader,
  type ByteSource,
  ByteWriter,
  type ErrorCode,
  Errors,
  FakeClock,
  isByteSource,
  KafkaError,
  MetricsRegistry,
  readFully,
  StorageError,
  silentLogger,
} from '@ottla/base';
import type { ConnectionContext } from '@ottla/network';
import {
  type ApiCodec,
  type ApiRelease,
  apiVersions as apiVersionsApi,
  type Decoded,
  type DescribeClusterRequest,
  type DescribeClusterResponse,
  describeCluster as describeClusterApi,
  type FetchRequest,
  fetch as fetchApi,
  heartbeat as heartbeatApi,
  readResponseHeader,
  writeRequestHeader,
} from '@ottla/protocol';
import { apiVersions } from '../handlers/18-api-versions.ts';
import { ApiVersionsManager } from './api-versions-manager.ts';
import { Dispatched, defineHandler, type Handler, type HandlerResult } from './handler.ts';
import type { RequestContext } from './request-context.ts';
import { InvalidRequestError, RequestDispatcher } from './request-dispatcher.ts';
import { servicesForTest } from './testing/services-for-test.ts';

class Fixture {
  readonly throttles: number[] = [];
  readonly dispatcher: RequestDispatcher;
  readonly #connection: ConnectionContext = {
    connectionId: 'c',
    listenerName: 'PLAINTEXT',
    securityProtocol: 'PLAINTEXT',
    remoteAddress: '10.1.2.3',
    remotePort: 1,
    localPort: 2,
    throttle: (durationMs) => this.throttles.push(durationMs),
  };

  constructor(handlers: readonly Handler[], level?: ApiRelease) {
    const clock = new FakeClock();
    const apiVersionsManager = new ApiVersionsManager(handlers, level);
    this.dispatcher = new RequestDispatcher({
      apiVersionsManager,
      broker: servicesForTest({ apiVersionsManager }),
      clock,
      logger: silentLogger,
      metrics: new MetricsRegistry(clock),
      privilegedListenerName: 'PLAINTEXT',
    });
  }

  frame(frame: Buffer) {
    return this.dispatcher.dispatch({ frame, connection: this.#connection });
  }

  async ask<Request, Response>(
    api: ApiCodec<Request, Response>,
    version: number,
    request: Request,
  ): Promise<Decoded<Response> | undefined> {
    const chunks = await this.frame(encode(api, version, request)).response;
    return chunks === undefined ? undefined : decode(api, version, chunks);
  }
}

function encode<Request>(api: ApiCodec<Request, unknown>, version: number, request: Request): Buffer {
  const writer = new ByteWriter();
  writeRequestHeader(writer, { apiKey: api.apiKey, apiVersion: version, correlationId: 42, clientId: 'me' });
  api.request.write(writer, request, version);
  return writer.finishBuffer();
}

function decode<Response>(
  api: ApiCodec<unknown, Response>,
  version: number,
  chunks: readonly ByteChunk[],
): Decoded<Response> {
  const bytes = chunks.map((chunk) => (isByteSource(chunk) ? readFully(chunk) : chunk));
  const reader = new ByteReader(Buffer.concat(bytes));
  assert.equal(readResponseHeader(reader, { apiKey: api.apiKey, apiVersion: version }), 42);
  return api.response.read(reader, version);
}

const CLUSTER: DescribeClusterResponse = { throttleTimeMs: 0, errorCode: 0, clusterId: 'c', brokers: [] };

type Handle = (
  request: Decoded<DescribeClusterRequest>,
  context: RequestContext,
) => HandlerResult<DescribeClusterResponse>;

function describing(handle: Handle): Handler {
  return defineHandler(
    describeClusterApi,
    {
      minVersion: 0,
      maxVersion: 1,
      errorResponse: (_request, errorCode, errorMessage) => ({ ...CLUSTER, errorCode, errorMessage }),
    },
    handle,
  );
}

const ASK: DescribeClusterRequest = { includeClusterAuthorizedOperations: false };

describe('RequestDispatcher', () => {
  test('a handler sees the request and its context, and its answer carries the correlation id', async () => {
    let seen: RequestContext | undefined;
    const fixture = new Fixture([
      describing((request, context) => {
        seen = context;
        return { ...CLUSTER, clusterId: String(request.includeClusterAuthorizedOperations) };
      }),
    ]);
    const response = await fixture.ask(describeClusterApi, 1, { includeClusterAuthorizedOperations: true });
    assert.equal(response?.clusterId, 'true');
    assert.deepEqual(seen?.header, { apiKey: 60, apiVersion: 1, correlationId: 42, clientId: 'me' });
    assert.equal(seen?.clientAddress, '10.1.2.3');
    assert.equal(seen?.fromPrivilegedListener, true);
  });

  for (const [what, error, code, message] of [
    ['a KafkaError', new KafkaError(Errors.NOT_CONTROLLER, 'no'), Errors.NOT_CONTROLLER, 'no'],
    ['a full disk', new StorageError('x', { code: 'ENOSPC', path: '/secret' }), Errors.KAFKA_STORAGE_ERROR, undefined],
    ['a bug of ours', new TypeError('x is undefined'), Errors.UNKNOWN_SERVER_ERROR, undefined],
  ] as const satisfies readonly (readonly [string, Error, ErrorCode, string | undefined])[]) {
    test(`${what} becomes the API's error response, thrown or rejected`, async () => {
      for (const handle of [
        () => {
          throw error;
        },
        () => Promise.reject(error),
        () => new Dispatched<DescribeClusterResponse>(Promise.reject(error)),
      ]) {
        const response = await new Fixture([describing(handle)]).ask(describeClusterApi, 0, ASK);
        assert.equal(response?.errorCode, code);
        if (message !== undefined) assert.equal(response?.errorMessage, message);
        assert.ok(!response?.errorMessage?.includes('secret') && !response?.errorMessage?.includes('undefined'));
      }
    });
  }

  test('an answer that cannot be encoded becomes an error response', async () => {
    const fixture = new Fixture([describing(() => ({ ...CLUSTER, controllerId: 2 ** 40 }))]);
    const response = await fixture.ask(describeClusterApi, 0, ASK);
    assert.equal(response?.errorCode, Errors.UNKNOWN_SERVER_ERROR);
  });

  test('an API that cannot say that it failed closes the connection', async () => {
    const silent = defineHandler(
      describeClusterApi,
      { minVersion: 0, maxVersion: 1, errorResponse: () => undefined },
      () => {
        throw new KafkaError(Errors.NOT_CONTROLLER, 'no');
      },
    );
    await assert.rejects(new Fixture([silent]).ask(describeClusterApi, 0, ASK), InvalidRequestError);
  });

  test('no response is sent when the handler has none', async () => {
    assert.equal(await new Fixture([describing(() => undefined)]).ask(describeClusterApi, 0, ASK), undefined);
  });

  test('the next request waits for a promise, and for a Dispatched only as long as it says', async () => {
    let finish: (response: DescribeClusterResponse) => void = () => {};
    const later = new Promise<DescribeClusterResponse>((resolve) => {
      finish = resolve;
    });
    const frame = encode(describeClusterApi, 0, ASK);
    const waiting = new Fixture([describing(() => later)]).frame(frame);
    let isDispatched = false;
    const dispatched = waiting.dispatched?.then(() => {
      isDispatched = true;
    });
    assert.equal(new Fixture([describing(() => new Dispatched(later))]).frame(frame).dispatched, undefined);
    await Promise.resolve();
    assert.equal(isDispatched, false);
    finish(CLUSTER);
    await dispatched;
    assert.equal(isDispatched, true);
  });

  test('the response says how long to be quiet, and the connection is held to it', async () => {
    const fixture = new Fixture([describing(() => ({ ...CLUSTER, throttleTimeMs: 250 }))]);
    await fixture.ask(describeClusterApi, 0, ASK);
    assert.deepEqual(fixture.throttles, [250]);
  });

  test('bytes after a request are ignored', async () => {
    const frame = Buffer.concat([encode(describeClusterApi, 0, ASK), Buffer.from('trailing')]);
    const chunks = await new Fixture([describing(() => CLUSTER)]).frame(frame).response;
    assert.equal(decode(describeClusterApi, 0, chunks ?? []).clusterId, 'c');
  });

  test('a source that was written into an answer that failed later is released', async () => {
    let releaseCount = 0;
    const source: ByteSource = {
      sizeInBytes: 5000,
      readSync: (target) => target.length,
      release: () => {
        releaseCount++;
      },
    };
    const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 0, records: source };
    const fetching = defineHandler(
      fetchApi,
      { minVersion: 4, maxVersion: 11, errorResponse: (_request, errorCode) => ({ errorCode, responses: [] }) },
      () => ({
        responses: [
          { topic: 'a', partitions: [partition] },
          { topic: 'x'.repeat(40_000), partitions: [] },
        ],
      }),
    );
    const request: FetchRequest = { maxWaitMs: 0, minBytes: 0, topics: [] };
    const response = await new Fixture([fetching]).ask(fetchApi, 11, request);
    assert.equal(response?.errorCode, Errors.UNKNOWN_SERVER_ERROR);
    assert.equal(releaseCount, 1);
  });

  describe('closes the connection', () => {
    const fixture = new Fixture([describing(() => CLUSTER), apiVersions]);
    for (const [what, frame] of [
      ['for an empty frame', Buffer.alloc(0)],
      ['for an API key Kafka does not know', Buffer.from([0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff])],
      ['for an API that is not served', encode(heartbeatApi, 0, { groupId: 'g', generationId: 1, memberId: 'm' })],
      ['for a version that is not served', encode(describeClusterApi, 2, ASK)],
      ['for a request that ends early', encode(describeClusterApi, 1, ASK).subarray(0, -2)],
      ['for garbage', Buffer.from('GET / HTTP/1.1\r\n')],
    ] as const) {
      test(what, () => {
        assert.throws(() => fixture.frame(frame), InvalidRequestError);
      });
    }
  });
});

describe('ApiVersions', () => {
  const NAMED = { clientSoftwareName: 'ottla-test', clientSoftwareVersion: '1.0' };

  test('answers every served API with its range, and features in epoch 0', async () => {
    const fixture = new Fixture([describing(() => CLUSTER), apiVersions]);
    for (const version of [0, 1, 2, 3, 4]) {
      const response = await fixture.ask(apiVersionsApi, version, version >= 3 ? NAMED : {});
      assert.deepEqual(response?.apiKeys, [
        { apiKey: 18, minVersion: 0, maxVersion: 4 },
        { apiKey: 60, minVersion: 0, maxVersion: 1 },
      ]);
      if (version >= 3) assert.equal(response?.finalizedFeaturesEpoch, 0n);
    }
  });

  test('a version from the future or below zero is answered in version 0 with the range of ApiVersions (KIP-511)', async () => {
    const fixture = new Fixture([describing(() => CLUSTER), apiVersions]);
    for (const version of [5, 99, -1]) {
      const frame = encode(apiVersionsApi, 3, NAMED);
      frame.writeInt16BE(version, 2);
      const response = decode(apiVersionsApi, 0, (await fixture.frame(frame).response) ?? []);
      assert.equal(response.errorCode, Errors.UNSUPPORTED_VERSION);
      assert.deepEqual(response.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 4 }]);
    }
  });

  test('a client that gives itself no proper name is refused', async () => {
    const fixture = new Fixture([apiVersions]);
    for (const clientSoftwareName of ['', 'a b', '-a', 'a-', 'ä']) {
      const response = await fixture.ask(apiVersionsApi, 3, { ...NAMED, clientSoftwareName });
      assert.equal(response?.errorCode, Errors.INVALID_REQUEST, clientSoftwareName);
      assert.deepEqual(response?.apiKeys, []);
    }
  });

  test('an API level leaves exactly what that release has', async () => {
    const fixture = new Fixture([describing(() => CLUSTER), apiVersions], '1.1');
    const response = await fixture.ask(apiVersionsApi, 1, {});
    assert.deepEqual(response?.apiKeys, [{ apiKey: 18, minVersion: 0, maxVersion: 1 }]);
    assert.throws(() => fixture.frame(encode(describeClusterApi, 0, ASK)), InvalidRequestError);
  });
});
