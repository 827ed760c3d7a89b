// The settings of a broker over a tree in memory, for tests.

import { FakeClock, silentLogger } from '@ottla/base';
import { EmbeddedTree, KafkaZkClient, ZooKeeperClient } from '@ottla/coordination';
import type { LogConfig } from '@ottla/storage';
import { ConfigServices } from '../config-services.ts';
import { KafkaConfig } from '../kafka-config.ts';
import { type LoggerLevels, type LogLevel, ROOT_LOGGER } from '../logger-levels.ts';

export const FIXTURE_BROKER_ID = 1;

export class FakeLoggerLevels implements LoggerLevels {
  readonly #levels = new Map<string, LogLevel>([
    [ROOT_LOGGER, 'INFO'],
    ['kafka.server.KafkaApis', 'INFO'],
  ]);

  levels(): ReadonlyMap<string, LogLevel> {
    return this.#levels;
  }

  setLevel(loggerName: string, level: LogLevel): void {
    this.#levels.set(loggerName, level);
  }

  unsetLevel(loggerName: string): void {
    this.#levels.set(loggerName, this.#levels.get(ROOT_LOGGER) ?? 'INFO');
  }
}

export interface ConfigFixture {
  readonly services: ConfigServices;
  readonly config: KafkaConfig;
  readonly zkClient: KafkaZkClient;
  readonly clock: FakeClock;
  /** What the log manager was told last, by topic. */
  readonly applied: Map<string, LogConfig>;
  close(): Promise<void>;
}

/** A started fixture whose broker knows the topics `t1` and `t2`. */
export async function configFixture(properties: Record<string, string> = {}): Promise<ConfigFixture> {
  const clock = new FakeClock();
  const tree = new EmbeddedTree({ clock });
  await tree.start();
  const client = new ZooKeeperClient({ connector: tree, clock });
  await client.start();
  const zkClient = new KafkaZkClient({ client, clock });
  await zkClient.createTopLevelPaths();
  const config = KafkaConfig.fromProperties(new Map(Object.entries(properties)));
  const applied = new Map<string, LogConfig>();
  const services = new ConfigServices({
    config,
    zkClient,
    clock,
    logger: silentLogger,
    brokerId: FIXTURE_BROKER_ID,
    topicExists: (topic) => topic === 't1' || topic === 't2',
    localTopics: () => ['t1', 't2'],
    onTopicConfig: (topic, logConfig) => applied.set(topic, logConfig),
    loggerLevels: new FakeLoggerLevels(),
  });
  await services.load();
  await services.start();
  const close = async () => {
    await services.close();
    await client.close();
    await tree.close();
  };
  return { services, config, zkClient, clock, applied, close };
}
