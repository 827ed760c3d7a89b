// A whole broker over a network, a disk and a clock of the test.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  Errors,
  FakeClock,
  MemoryFileSystem,
  MemorySockets,
  MetricsRegistry,
  SeededRandom,
  silentLogger,
  ZERO_UUID,
} from '@ottla/base';
import { RequestClient } from '@ottla/network';
import {
  apiVersions,
  createTopics,
  getTelemetrySubscriptions,
  incrementalAlterConfigs,
  leaderAndIsr,
  metadata,
  pushTelemetry,
} from '@ottla/protocol';
import type { ClientTelemetryPayload, ClientTelemetryReceiver } from '../client-metrics/client-telemetry-receiver.ts';
import { KafkaConfig } from '../config/index.ts';
import { DiskClock } from '../replica/testing/disk-clock.ts';
import { BrokerServer } from './broker-server.ts';

const HOST = 'broker';
const PORT = 9092;

/** One machine: what is on its disk outlives its brokers. */
class Machine {
  readonly clock: FakeClock;
  readonly sockets = new MemorySockets();
  readonly fileSystem: MemoryFileSystem;
  readonly fatal: Error[] = [];
  #seed = 1;

  receiver: ClientTelemetryReceiver | undefined;

  constructor(clock = new FakeClock()) {
    this.clock = clock;
    this.fileSystem = new MemoryFileSystem({ clock });
  }

  broker(given: Record<string, string> = {}): BrokerServer {
    const properties = { 'broker.id': '7', listeners: `PLAINTEXT://${HOST}:${PORT}`, 'log.dirs': '/logs', ...given };
    return new BrokerServer({
      config: KafkaConfig.fromProperties(new Map(Object.entries(properties))),
      ports: {
        clock: this.clock,
        random: new SeededRandom(this.#seed++),
        fileSystem: this.fileSystem,
        sockets: this.sockets,
        logger: silentLogger,
        metrics: new MetricsRegistry(this.clock),
        hostName: 'machine',
        clientTelemetryReceiver: this.receiver,
      },
      onFatal: (error) => this.fatal.push(error),
    });
  }

  async started(given: Record<string, string> = {}): Promise<BrokerServer> {
    const broker = this.broker(given);
    await broker.start();
    return broker;
  }

  async ask<T>(question: (client: RequestClient) => Promise<T>): Promise<T> {
    const client = await RequestClient.connect({ sockets: this.sockets, clock: this.clock, host: HOST, port: PORT });
    try {
      return await question(client);
    } finally {
      client.close();
    }
  }

  /** Files as text. */
  read(path: string): string {
    return this.fileSystem.readFileSync(path).toString();
  }
}

describe('BrokerServer', () => {
  test('answers as soon as it is started, knows itself as the controller, and lets go of the port when closed', async () => {
    const machine = new Machine();
    const broker = await machine.started();
    const answer = await machine.ask((client) => client.send(metadata, { topics: [] }, 12));
    assert.deepEqual(
      answer.brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port })),
      [{ nodeId: 7, host: HOST, port: PORT }],
    );
    assert.equal(answer.controllerId, 7);
    assert.equal(answer.clusterId, broker.clusterId);
    await Promise.all([broker.close(), broker.close()]);
    await assert.rejects(
      machine.ask((client) => client.send(metadata, { topics: [] }, 12)),
      /refused/,
    );
  });

  test('offers the release that ottla.api.level names, and still serves its own controller', async () => {
    const machine = new Machine();
    const broker = await machine.started({ 'ottla.api.level': '1.1' });
    const { apiKeys } = await machine.ask((client) => client.send(apiVersions, {}, 0));
    assert.deepEqual(
      apiKeys.filter(({ apiKey }) => [0, 6, 60].includes(apiKey)).map(({ apiKey, maxVersion }) => [apiKey, maxVersion]),
      [
        [0, 5],
        [6, 4],
      ],
    );
    assert.ok(broker.services.metadataCache.hasAliveBroker(7));
    await broker.close();
  });

  test('asks clients for metrics when somebody takes them, by subscriptions that outlive it', async () => {
    const machine = new Machine();
    const silent = await machine.started();
    const offered = async () => {
      const { apiKeys } = await machine.ask((client) => client.send(apiVersions, {}, 0));
      return apiKeys.filter(({ apiKey }) => apiKey === 71 || apiKey === 72).map(({ apiKey }) => apiKey);
    };
    assert.deepEqual(await offered(), []);
    const configs = [
      { name: 'metrics', configOperation: 0, value: '*' },
      { name: 'match', configOperation: 0, value: 'client_software_name=kafka-.*' },
    ];
    const resources = [{ resourceType: 16, resourceName: 'all of them', configs }];
    const { responses } = await machine.ask((client) =>
      client.send(incrementalAlterConfigs, { resources, validateOnly: false }, 1),
    );
    assert.deepEqual([responses[0]?.errorCode, responses[0]?.errorMessage], [0, null]);
    await silent.close();

    const taken: ClientTelemetryPayload[] = [];
    machine.receiver = { exportMetrics: (_, payload) => void taken.push(payload) };
    const broker = await machine.started();
    assert.deepEqual(await offered(), [71, 72]);
    await machine.ask(async (client) => {
      await client.send(apiVersions, { clientSoftwareName: 'kafka-x', clientSoftwareVersion: '1.0' }, 3);
      const subscription = await client.send(getTelemetrySubscriptions, { clientInstanceId: ZERO_UUID }, 0);
      assert.deepEqual(subscription.requestedMetrics, ['*']);
      const { clientInstanceId, subscriptionId } = subscription;
      const push = {
        clientInstanceId,
        subscriptionId,
        terminating: true,
        compressionType: 0,
        metrics: Buffer.from('m'),
      };
      assert.equal((await client.send(pushTelemetry, push, 0)).errorCode, Errors.NONE);
    });
    assert.equal(String(taken[0]?.data), 'm');
    await broker.close();
    assert.equal(machine.clock.pendingCount, 0);
  });

  test('keeps its identity in meta.properties and leaves the mark of a clean stop', async () => {
    const machine = new Machine();
    const first = await machine.started();
    const { clusterId } = first;
    await first.close();
    assert.match(
      machine.read('/logs/meta.properties'),
      new RegExp(`broker\\.id=7\\nversion=0\\ncluster\\.id=${clusterId}\\n`),
    );
    assert.match(machine.read('/logs/.kafka_cleanshutdown'), /version/);
    const second = await machine.started();
    assert.equal(second.clusterId, clusterId);
    assert.equal(machine.fileSystem.statSync('/logs/.kafka_cleanshutdown'), undefined);
    await second.close();
    assert.match(machine.read('/logs/.kafka_cleanshutdown'), /version/);
  });

  test('refuses log dirs of another broker', async () => {
    const machine = new Machine();
    await (await machine.started()).close();
    const other = machine.broker({ 'broker.id': '8' });
    await assert.rejects(other.start(), /Configured broker\.id 8 doesn't match stored broker\.id 7/);
    await (await machine.started()).close();
  });

  test('refuses log dirs of another cluster', async () => {
    const machine = new Machine();
    await (await machine.started()).close();
    const properties = machine.read('/logs/meta.properties').replace(/cluster\.id=.*/, 'cluster.id=somebodyElses');
    machine.fileSystem.removeFileSync('/logs/meta.properties');
    const file = machine.fileSystem.openSync('/logs/meta.properties', 'create');
    file.writeSync(Buffer.from(properties), 0);
    file.closeSync();
    await assert.rejects(machine.broker().start(), /doesn't match stored clusterId somebodyElses/);
  });

  test('a broker without an id gets one above reserved.broker.max.id, and keeps it', async () => {
    const machine = new Machine();
    const given = { 'broker.id': '-1', 'reserved.broker.max.id': '2000' };
    const first = await machine.started(given);
    assert.equal(first.brokerId, 2001);
    await first.close();
    const second = await machine.started(given);
    assert.equal(second.brokerId, 2001);
    await second.close();
  });

  test('two brokers do not share log dirs, and the one that was first goes on', async () => {
    const machine = new Machine();
    const first = await machine.started();
    await assert.rejects(machine.broker({ listeners: `PLAINTEXT://${HOST}:9093` }).start(), /Failed to acquire lock/);
    const answer = await machine.ask((client) => client.send(metadata, { topics: null }, 12));
    assert.equal(answer.brokers.length, 1);
    await first.close();
  });

  test('a port that is taken fails the start, and leaves nothing locked', async () => {
    const machine = new Machine();
    const taken = await machine.sockets.listen({ host: HOST, port: PORT }, () => {});
    await assert.rejects(machine.started(), /already in use/);
    await taken.close();
    await (await machine.started()).close();
  });

  test('garbage on one connection does not disturb another', async () => {
    const machine = new Machine();
    const broker = await machine.started();
    const hostile = await machine.sockets.connect({ host: HOST, port: PORT, timeoutMs: 1000 });
    let isClosed = false;
    hostile.onClose = () => {
      isClosed = true;
    };
    hostile.write([Buffer.from([0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0xff, 0xff])]);
    const { errorCode } = await machine.ask((client) => client.send(apiVersions, {}, 0));
    assert.equal(errorCode, Errors.NONE);
    assert.ok(isClosed);
    await broker.close();
  });

  test('a LeaderAndIsr request of a stranger makes no directory outside the log dirs', async () => {
    const machine = new Machine();
    const broker = await machine.started();
    const partition = { partitionIndex: 0, controllerEpoch: 1, leader: 7, leaderEpoch: 0, isr: [7], partitionEpoch: 0 };
    const topicStates = ['../evil', '..', 'a/b', ''].map((topicName) => ({
      topicName,
      topicId: 'zHg53uw7RMC4hcbDG1s3Vw',
      partitionStates: [{ ...partition, replicas: [7], isNew: true }],
    }));
    for (const topicState of topicStates) {
      const request = { controllerId: 7, controllerEpoch: 1, topicStates: [topicState], liveLeaders: [] };
      const answer = await machine.ask((client) => client.send(leaderAndIsr, request, 7));
      assert.equal(answer.errorCode, Errors.INVALID_TOPIC_EXCEPTION, topicState.topicName);
    }
    assert.deepEqual(machine.fileSystem.readDirectorySync('/'), ['logs']);
    await broker.close();
  });

  test('leads all its partitions when it is started again, however many there are', async () => {
    const clock = new DiskClock();
    const machine = new Machine(clock);
    clock.runs(machine.fileSystem);
    const topics = [{ name: 'many', numPartitions: 100, replicationFactor: 1, assignments: [], configs: [] }];
    const first = await machine.started();
    await machine.ask((client) => client.send(createTopics, { topics, timeoutMs: 10_000 }, 5));
    await first.close();
    const broker = await machine.started();
    assert.equal([...broker.services.replicaManager.partitions()].filter(({ isLeader }) => isLeader).length, 100);
    await broker.close();
  });

  test('closing with nothing started, and starting after closing, do no harm', async () => {
    const broker = new Machine().broker();
    await broker.close();
    await broker.start();
    assert.throws(() => broker.brokerId);
  });
});
