// Creates topics that were asked for before they exist: a client's (auto.create.topics.enable), or an internal one that a coordinator needs.
// Source: kafka.server.DefaultAutoTopicCreationManager (3.9).

import { Errors, errorName, type Logger } from '@ottla/base';
import type { CreatableTopic, Decoded } from '@ottla/protocol';
import { isValidTopicName } from './topic-names.ts';
import type { ZkAdminManager } from './zk-admin-manager.ts';

/** What a topic created without being described gets. */
export interface AutoTopicSettings {
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly config: ReadonlyMap<string, string>;
}

export interface AutoTopicCreationManagerOptions {
  readonly adminManager: ZkAdminManager;
  readonly logger: Logger;
  settingsOf(topic: string): AutoTopicSettings;
}

export class AutoTopicCreationManager {
  readonly #options: AutoTopicCreationManagerOptions;
  /** Topics being created: asked for again they are not created twice. */
  readonly #inFlight = new Set<string>();
  #creations: Promise<unknown> = Promise.resolve();

  constructor(options: AutoTopicCreationManagerOptions) {
    this.#options = options;
  }

  /** Begins to create those of `topics` that may be and are not being created already. Never throws; failures are logged, and the next
   *  request tries again. */
  createTopics(topics: ReadonlySet<string>): void {
    const creatable = [...topics].filter((topic) => isValidTopicName(topic) && !this.#inFlight.has(topic));
    if (creatable.length === 0) return;
    for (const topic of creatable) this.#inFlight.add(topic);
    this.#creations = Promise.all([this.#creations, this.#create(creatable)]);
  }

  /** Waits for what is under way. Safe to call twice. */
  async close(): Promise<void> {
    await this.#creations;
  }

  async #create(topics: readonly string[]): Promise<void> {
    const { adminManager, logger } = this.#options;
    try {
      const described = topics.map((topic) => creatableTopic(topic, this.#options.settingsOf(topic)));
      // Not waiting: whoever asked asks again until the topic is there.
      const results = await adminManager.createTopics(described, { timeoutMs: 0, validateOnly: false });
      for (const [topic, { error }] of results) {
        if (isCreated(error.errorCode)) logger.info('created a topic that was asked for', { topic });
        else {
          const reason = { error: errorName(error.errorCode), message: error.message };
          logger.warn('could not create a topic that was asked for', { topic, ...reason });
        }
      }
    } catch (error) {
      logger.error('could not create topics that were asked for', { topics, error });
    } finally {
      for (const topic of topics) this.#inFlight.delete(topic);
    }
  }
}

/** Timed out is what not waiting looks like; existing is as good as created. */
function isCreated(errorCode: number): boolean {
  return (
    errorCode === Errors.NONE || errorCode === Errors.REQUEST_TIMED_OUT || errorCode === Errors.TOPIC_ALREADY_EXISTS
  );
}

function creatableTopic(name: string, settings: AutoTopicSettings): Decoded<CreatableTopic> {
  const { partitionCount, replicationFactor, config } = settings;
  const configs = [...config].map(([key, value]) => ({ name: key, value }));
  return { name, numPartitions: partitionCount, replicationFactor, assignments: [], configs };
}
