// Topics of a running broker: made when a measurement needs one and deleted after it, with all its bytes, so that what one system wrote is
// not written back to the disk while the next one is measured.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NodeSockets, SystemClock } from '@ottla/base';
import { REQUEST_CLIENT_DEFAULTS, RequestClient } from '@ottla/network';
import { createTopics, deleteTopics, incrementalAlterConfigs, listOffsets, metadata } from '@ottla/protocol';
import type { RunningSystem } from './system-under-test.ts';

const METADATA_VERSION = 4;
const CREATE_TOPICS_VERSION = 4;
const DELETE_TOPICS_VERSION = 3;
const ALTER_CONFIGS_VERSION = 1;
const LIST_OFFSETS_VERSION = 1;
const LATEST = -1;
const TOPIC_RESOURCE = 2;
const SET = 0;
const TIMEOUT_MS = 60_000;
const POLL_MS = 50;

export interface TopicShape {
  readonly partitions: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export class Topics {
  readonly #client: RequestClient;
  readonly #system: RunningSystem;
  #count = 0;

  private constructor(client: RequestClient, system: RunningSystem) {
    this.#client = client;
    this.#system = system;
  }

  static async connect(system: RunningSystem): Promise<Topics> {
    const clock = new SystemClock();
    const client = await RequestClient.connect({
      ...REQUEST_CLIENT_DEFAULTS,
      sockets: new NodeSockets(clock),
      clock,
      host: '127.0.0.1',
      port: system.port,
      clientId: 'bench',
      requestTimeoutMs: TIMEOUT_MS,
    });
    return new Topics(client, system);
  }

  close(): void {
    this.#client.close();
  }

  /** @returns the name of a new topic whose partitions all have a leader */
  async create({ partitions, configs = {} }: TopicShape): Promise<string> {
    const name = `bench${++this.#count}`;
    const topic = {
      name,
      numPartitions: partitions,
      replicationFactor: 1,
      assignments: [],
      configs: Object.entries(configs).map(([key, value]) => ({ name: key, value })),
    };
    const answer = await this.#client.send(
      createTopics,
      { topics: [topic], timeoutMs: TIMEOUT_MS },
      CREATE_TOPICS_VERSION,
    );
    for (const { errorCode } of answer.topics) mustSucceed(errorCode, `create ${name}`);
    await until(`${name} has leaders`, () => this.#isReady(name, partitions));
    return name;
  }

  /** Returns when its directories are gone. */
  async delete(name: string): Promise<void> {
    const request = { topicNames: [name], timeoutMs: TIMEOUT_MS };
    const answer = await this.#client.send(deleteTopics, request, DELETE_TOPICS_VERSION);
    for (const { errorCode } of answer.responses) mustSucceed(errorCode, `delete ${name}`);
    await until(`${name} is off the disk`, async () => this.paths(name).length === 0);
  }

  async alter(name: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const changes = Object.entries(configs).map(([key, value]) => ({ name: key, configOperation: SET, value }));
    const resources = [{ resourceType: TOPIC_RESOURCE, resourceName: name, configs: changes }];
    const request = { resources, validateOnly: false };
    const answer = await this.#client.send(incrementalAlterConfigs, request, ALTER_CONFIGS_VERSION);
    for (const { errorCode } of answer.responses) mustSucceed(errorCode, `alter ${name}`);
  }

  /** Its partitions' directories, those that wait for their deletion too. */
  paths(name: string): string[] {
    const { logDirectory } = this.#system;
    const names = readdirSync(logDirectory).filter((entry) => entry.startsWith(`${name}-`));
    return names.map((entry) => join(logDirectory, entry));
  }

  /** A broker may tell who leads a moment before it does. */
  async #isReady(name: string, partitions: number): Promise<boolean> {
    const request = { topics: [{ name }], allowAutoTopicCreation: false };
    const [topic] = (await this.#client.send(metadata, request, METADATA_VERSION)).topics;
    const known = topic?.partitions.filter(({ errorCode, leaderId }) => errorCode === 0 && leaderId >= 0) ?? [];
    return known.length >= partitions && (!this.#system.isBroker || (await this.#answersOffsets(name, partitions)));
  }

  async #answersOffsets(name: string, partitions: number): Promise<boolean> {
    const asked = Array.from({ length: partitions }, (_, i) => ({ partitionIndex: i, timestamp: LATEST }));
    const request = { replicaId: -1, topics: [{ name, partitions: asked }] };
    const [topic] = (await this.#client.send(listOffsets, request, LIST_OFFSETS_VERSION)).topics;
    return topic?.partitions.every(({ errorCode }) => errorCode === 0) ?? false;
  }
}

function mustSucceed(errorCode: number, what: string): void {
  if (errorCode !== 0) throw new Error(`${what}: error code ${errorCode}`);
}

/** @throws Error when `holds` does not within a minute and a half: Kafka begins to delete half a minute after its start */
export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 90_000;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error(`${what}: not after 90 s`);
    await sleep(POLL_MS);
  }
}
