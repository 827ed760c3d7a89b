import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  ByteReader,
  ByteWriter,
  Errors,
  FakeClock,
  MemorySockets,
  MetricsRegistry,
  SeededRandom,
  silentLogger,
} from '@ottla/base';
import {
  type ApiVersion,
  apiVersions,
  type DescribeClusterRequest,
  describeCluster,
  metadata,
  produce,
  readRequestHeader,
  writeResponseHeader,
} from '@ottla/protocol';
import type { RequestHandler } from './channel.ts';
import { DisconnectedError, InvalidResponseError, NoCommonVersionError, RequestTimeoutError } from './client-errors.ts';
import { NetworkClient } from './network-client.ts';
import { RequestClient } from './request-client.ts';
import { SocketServer } from './socket-server.ts';

const ASK: DescribeClusterRequest = { includeClusterAuthorizedOperations: false };
const BROKER = { host: 'broker', port: 9092 };
const NODE = { id: 1, ...BROKER };

/** A broker with two APIs, whose DescribeCluster answers when the test says so. */
class FakeBroker {
  readonly clock = new FakeClock();
  readonly sockets = new MemorySockets();
  readonly seenVersions: number[] = [];
  /** Answers, in the order asked. */
  readonly answers: ((clusterId: string) => void)[] = [];
  served: ApiVersion[] = [
    { apiKey: 18, minVersion: 0, maxVersion: 3 },
    { apiKey: 60, minVersion: 0, maxVersion: 1 },
  ];
  isHandshakeAnswered = true;
  #server: SocketServer | undefined;

  async start(): Promise<void> {
    this.#server = new SocketServer({
      sockets: this.sockets,
      clock: this.clock,
      logger: silentLogger,
      metrics: new MetricsRegistry(this.clock),
      onRequest: this.#onRequest,
    });
    await this.#server.start([{ listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', ...BROKER }]);
    this.#server.enableProcessing();
  }

  async stop(): Promise<void> {
    await this.#server?.close(0);
    await this.clock.advance(0);
  }

  readonly #onRequest: RequestHandler = ({ frame }) => {
    const header = readRequestHeader(new ByteReader(frame));
    const writer = new ByteWriter();
    if (header.apiKey === apiVersions.apiKey) {
      if (!this.isHandshakeAnswered) return { dispatched: undefined, response: new Promise(() => {}) };
      const isKnown = header.apiVersion <= 3;
      const apiVersion = isKnown ? header.apiVersion : 0;
      writeResponseHeader(writer, { ...header, apiVersion });
      const errorCode = isKnown ? Errors.NONE : Errors.UNSUPPORTED_VERSION;
      apiVersions.response.write(writer, { errorCode, apiKeys: this.served }, apiVersion);
      return { dispatched: undefined, response: writer.finish() };
    }
    if (header.apiKey === produce.apiKey) return { dispatched: undefined, response: undefined };
    this.seenVersions.push(header.apiVersion);
    const response = new Promise<Buffer[]>((resolve) => {
      this.answers.push((clusterId) => {
        writeResponseHeader(writer, header);
        const body = { throttleTimeMs: 0, errorCode: 0, clusterId, brokers: [] };
        describeCluster.response.write(writer, body, header.apiVersion);
        resolve([writer.finishBuffer()]);
      });
    });
    return { dispatched: undefined, response };
  };
}

async function startBroker(): Promise<FakeBroker> {
  const broker = new FakeBroker();
  await broker.start();
  return broker;
}

function clientOf(broker: FakeBroker): NetworkClient {
  return new NetworkClient({ sockets: broker.sockets, clock: broker.clock, random: new SeededRandom(1) });
}

function connect(broker: FakeBroker, inFlightMax = 5): Promise<RequestClient> {
  return RequestClient.connect({ sockets: broker.sockets, clock: broker.clock, ...BROKER, inFlightMax });
}

describe('RequestClient', () => {
  test('answers reach those who asked, and no more are asked at once than allowed', async () => {
    const broker = await startBroker();
    const client = await connect(broker, 2);
    const all = Promise.all([1, 2, 3].map(() => client.send(describeCluster, ASK, 0)));
    await broker.clock.advance(0);
    assert.equal(broker.answers.length, 2);
    assert.equal(client.pendingCount, 3);
    broker.answers[1]?.('b');
    broker.answers[0]?.('a');
    await broker.clock.advance(0);
    broker.answers[2]?.('c');
    assert.deepEqual(
      (await all).map(({ clusterId }) => clusterId),
      ['a', 'b', 'c'],
    );
    client.close();
  });

  test('a request that is not answered in time fails, and with it the connection', async () => {
    const broker = await startBroker();
    const client = await connect(broker);
    const slow = assert.rejects(client.send(describeCluster, ASK, 0, { requestTimeoutMs: 100 }), RequestTimeoutError);
    const behind = assert.rejects(client.send(describeCluster, ASK, 0), RequestTimeoutError);
    await broker.clock.advance(100);
    await Promise.all([slow, behind]);
    assert.ok(client.isClosed);
    await assert.rejects(client.send(describeCluster, ASK, 0), RequestTimeoutError);
    assert.equal(broker.clock.pendingCount, 1, 'only the idle check of the server is left');
  });

  test('whatever is pending fails when the broker goes away, or when the client closes', async () => {
    const broker = await startBroker();
    for (const end of [(_client: RequestClient) => broker.stop(), async (client: RequestClient) => client.close()]) {
      await broker.stop();
      await broker.start();
      const client = await connect(broker);
      const pending = assert.rejects(client.send(describeCluster, ASK, 0), DisconnectedError);
      await broker.clock.advance(0);
      await end(client);
      await pending;
    }
  });

  test('what needs no answer takes no place among those who wait', async () => {
    const broker = await startBroker();
    const client = await connect(broker);
    client.sendWithoutAnswer(produce, { acks: 0, timeoutMs: 1, topicData: [] }, 3);
    const answer = client.send(describeCluster, ASK, 0);
    await broker.clock.advance(0);
    broker.answers[0]?.('a');
    assert.equal((await answer).clusterId, 'a');
    client.close();
  });

  for (const [what, bytes] of [
    ['a wrong correlation id', [0, 0, 0, 4, 0, 0, 0, 99]],
    ['an answer that ends early', [0, 0, 0, 5, 0, 0, 0, 0, 0]],
    ['a negative size', [255, 255, 255, 255]],
  ] as const) {
    test(`${what} closes the connection`, async () => {
      const sockets = new MemorySockets();
      await sockets.listen(BROKER, (connection) => {
        connection.onData = () => connection.write([Buffer.from(bytes)]);
      });
      const client = await RequestClient.connect({ sockets, clock: new FakeClock(), ...BROKER });
      await assert.rejects(client.send(describeCluster, ASK, 0), InvalidResponseError);
      assert.ok(client.isClosed);
    });
  }
});

describe('NetworkClient', () => {
  test('steps down to the versions of the broker and uses the highest in common', async () => {
    const broker = await startBroker();
    const client = clientOf(broker);
    const answers = [
      client.send(NODE, describeCluster, ASK),
      client.send(NODE, describeCluster, ASK, { versions: { min: 0, max: 0 } }),
    ];
    await broker.clock.advance(0);
    for (const answer of broker.answers) answer('a');
    await Promise.all(answers);
    assert.deepEqual(broker.seenVersions, [1, 0]);
    await assert.rejects(
      client.send(NODE, describeCluster, ASK, { versions: { min: 2, max: 2 } }),
      NoCommonVersionError,
    );
    await assert.rejects(client.send(NODE, metadata, { topics: null }), NoCommonVersionError);
    client.close();
    await assert.rejects(client.send(NODE, describeCluster, ASK), DisconnectedError);
  });

  test('reconnects after a failure, after pauses that grow', async () => {
    const broker = new FakeBroker();
    const client = clientOf(broker);
    await assert.rejects(client.send(NODE, describeCluster, ASK), DisconnectedError);
    let failedAtMs = -1;
    const second = assert.rejects(client.send(NODE, describeCluster, ASK), DisconnectedError).then(() => {
      failedAtMs = broker.clock.monotonicMs();
    });
    await broker.clock.advance(70);
    await second;
    assert.ok(failedAtMs >= 40 && failedAtMs <= 60, `${failedAtMs}`);
    await broker.start();
    const third = client.send(NODE, describeCluster, ASK);
    await broker.clock.advance(60);
    assert.equal(broker.answers.length, 0, 'the second pause is about 100 ms');
    await broker.clock.advance(70);
    broker.answers[0]?.('a');
    assert.equal((await third).clusterId, 'a');
    client.close();
  });

  test('a connection that broke is made again', async () => {
    const broker = await startBroker();
    const client = clientOf(broker);
    const first = assert.rejects(client.send(NODE, describeCluster, ASK), DisconnectedError);
    await broker.clock.advance(0);
    await broker.stop();
    await first;
    await broker.start();
    const second = client.send(NODE, describeCluster, ASK);
    await broker.clock.advance(100);
    broker.answers[1]?.('again');
    assert.equal((await second).clusterId, 'again');
    client.close();
  });

  test('a broker that accepts and says nothing is given up', async () => {
    const broker = await startBroker();
    broker.isHandshakeAnswered = false;
    const client = clientOf(broker);
    const silent = assert.rejects(client.send(NODE, describeCluster, ASK), DisconnectedError);
    await broker.clock.advance(30_000);
    await silent;
    client.close();
  });
});
