// A whole broker over a disk, sockets and a clock in memory, for tests.

import {
  type BackgroundThreads,
  FakeClock,
  MemoryFileSystem,
  MemorySockets,
  MetricsRegistry,
  mustBePresent,
  SeededRandom,
  silentLogger,
  type TopicPartition,
  yieldToEventLoop,
} from '@ottla/base';
import type { Log } from '@ottla/storage';
import { AlterOperation } from '../../config/config-admin.ts';
import { ConfigResourceType } from '../../config/config-resource.ts';
import { KafkaConfig } from '../../config/index.ts';
import { BrokerServer } from '../broker-server.ts';
import type { BrokerServices } from '../broker-services.ts';

export const MEMORY_BROKER_ID = '7';

export class MemoryBroker {
  readonly clock = new FakeClock();
  readonly fileSystem = new MemoryFileSystem({ clock: this.clock });
  readonly metrics = new MetricsRegistry(this.clock);
  readonly #server: BrokerServer;

  private constructor(properties: Readonly<Record<string, string>>, backgroundThreads?: BackgroundThreads) {
    const ownProperties = { 'broker.id': MEMORY_BROKER_ID, listeners: 'PLAINTEXT://broker:9092', ...properties };
    this.#server = new BrokerServer({
      config: KafkaConfig.fromProperties(new Map(Object.entries(ownProperties))),
      ports: {
        clock: this.clock,
        random: new SeededRandom(1),
        fileSystem: this.fileSystem,
        sockets: new MemorySockets(),
        logger: silentLogger,
        metrics: this.metrics,
        backgroundThreads,
        hostName: 'machine',
      },
    });
  }

  static async start(
    properties: Readonly<Record<string, string>>,
    backgroundThreads?: BackgroundThreads,
  ): Promise<MemoryBroker> {
    const broker = new MemoryBroker(properties, backgroundThreads);
    await broker.#server.start();
    return broker;
  }

  get services(): BrokerServices {
    return this.#server.services;
  }

  /** Makes the topic. @returns its log, when the controller has given it one */
  async createTopic(tp: TopicPartition): Promise<Log> {
    this.services.autoTopicCreation.createTopics(new Set([tp.topic]));
    const logOf = () => this.services.replicaManager.getPartition(tp)?.log;
    for (let turn = 0; turn < 2000 && logOf() === undefined; turn++) {
      await yieldToEventLoop();
      if (turn % 20 === 19) await this.clock.advance(1);
    }
    return mustBePresent(logOf(), `the log of ${tp.topic}`);
  }

  /** What `kafka-configs --entity-type brokers` does. @param brokerId `''`: all brokers. @param value null: deletes it */
  async setBrokerConfig(brokerId: string, name: string, value: string | null): Promise<void> {
    const operation = value === null ? AlterOperation.DELETE : AlterOperation.SET;
    const resource = { type: ConfigResourceType.BROKER, name: brokerId };
    await this.services.configs.admin.incrementalAlter(resource, [{ name, operation, value }], false);
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}
