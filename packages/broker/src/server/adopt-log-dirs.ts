// Makes topics out of partition directories that the tree does not know: log.dirs that were moved here from a broker of Apache Kafka, or a
// tree that was lost. Runs after the directories were listed and before the controller starts.
//
//   orders-0/ orders-2/ with partition.metadata   →   topic orders with that id, partitions 0, 1 (empty), 2, this broker their leader
//
// A topic's own settings did not come along with its directories. So that the broker's retention does not delete what was meant to stay,
// records are kept until somebody says otherwise; a topic that was compacted, which can be seen, stays so.

import { type FileSystem, type Logger, TopicPartitionMap, topicPartitionKey, type Uuid } from '@ottla/base';
import {
  ANY_VERSION,
  type KafkaZkClient,
  type LeaderIsrAndControllerEpoch,
  TREE_JOURNAL_DIRECTORY,
} from '@ottla/coordination';
import {
  CheckpointFormatError,
  CLEANER_OFFSET_CHECKPOINT,
  hasBeenCompacted,
  LeaderEpochFileCache,
  OffsetCheckpointFile,
  type PartitionDirectory,
} from '@ottla/storage';
import { isInternalTopic, isValidTopicName } from '../admin/topic-names.ts';
import { internalTopicConfig, type KafkaConfig } from '../config/index.ts';

/** A topic that has directories here and no znode. */
export interface UnknownTopic {
  readonly topic: string;
  /** undefined where a broker without topic ids wrote the directories. */
  readonly topicId: Uuid | undefined;
  readonly directories: readonly PartitionDirectory[];
  /** One more than the highest partition found. */
  readonly partitionCount: number;
  /** Why it cannot become a topic; undefined: it can. */
  readonly problem: string | undefined;
}

export interface AdoptLogDirsOptions {
  readonly zkClient: KafkaZkClient;
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
  readonly config: KafkaConfig;
  readonly brokerId: number;
  /** LogManager.partitionDirectories. */
  readonly directories: readonly PartitionDirectory[];
}

/** Topics of `directories` that are not among `knownTopics`, by name. */
export function findUnknownTopics(
  directories: readonly PartitionDirectory[],
  knownTopics: ReadonlySet<string>,
): UnknownTopic[] {
  const byTopic = new Map<string, PartitionDirectory[]>();
  for (const directory of directories) {
    const { topic } = directory.tp;
    if (topicPartitionKey(directory.tp) === TREE_JOURNAL_DIRECTORY) continue;
    if (directory.state !== 'current' || knownTopics.has(topic)) continue;
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), directory]);
  }
  return [...byTopic].sort(([a], [b]) => (a < b ? -1 : 1)).map(([topic, found]) => toUnknownTopic(topic, found));
}

/** Says which directories are left alone because no topic is known for them. */
export async function warnOfUnknownTopics(options: AdoptLogDirsOptions): Promise<void> {
  for (const { topic, directories } of await unknownToTheTree(options)) {
    options.logger.warn(
      'partition directories without a topic are left alone; --adopt-log-dirs would make them a topic',
      {
        topic,
        directories: directories.map(({ directory }) => directory),
      },
    );
  }
}

/** Makes topics of what `findUnknownTopics` finds, and says which. @returns those that became topics */
export async function adoptLogDirs(options: AdoptLogDirsOptions): Promise<UnknownTopic[]> {
  const adopted: UnknownTopic[] = [];
  const evidence = new CompactionEvidence(options);
  for (const unknown of await unknownToTheTree(options)) {
    if (unknown.problem !== undefined) {
      options.logger.error('partition directories cannot become a topic', {
        topic: unknown.topic,
        problem: unknown.problem,
      });
      continue;
    }
    await adopt(unknown, options, evidence);
    adopted.push(unknown);
  }
  return adopted;
}

async function unknownToTheTree({ zkClient, directories }: AdoptLogDirsOptions): Promise<UnknownTopic[]> {
  return findUnknownTopics(directories, new Set(await zkClient.getAllTopicsInCluster()));
}

function toUnknownTopic(topic: string, directories: readonly PartitionDirectory[]): UnknownTopic {
  const ids = new Set(directories.map(({ topicId }) => topicId).filter((id) => id !== undefined));
  const partitionCount = Math.max(...directories.map(({ tp }) => tp.partition)) + 1;
  const [topicId] = ids;
  return { topic, topicId, directories, partitionCount, problem: problemOf(topic, ids.size, partitionCount) };
}

/** More partitions than this in one directory's name is damage, not a topic. */
const PARTITION_COUNT_MAX = 100_000;

function problemOf(topic: string, idCount: number, partitionCount: number): string | undefined {
  if (!isValidTopicName(topic)) return 'this is not the name of a topic';
  if (idCount > 1)
    return 'its partitions have different topic ids: they belong to topics that were deleted and made again';
  if (partitionCount > PARTITION_COUNT_MAX) return `${partitionCount} partitions are more than ${PARTITION_COUNT_MAX}`;
  return undefined;
}

async function adopt(unknown: UnknownTopic, options: AdoptLogDirsOptions, evidence: CompactionEvidence): Promise<void> {
  const { topic, topicId, partitionCount, directories } = unknown;
  const { zkClient, brokerId, logger } = options;
  const topicConfig = configForAdopted(unknown, options.config, evidence);
  // Settings before the topic: from the moment it exists, its retention is in force.
  await zkClient.setOrCreateEntityConfigs('topics', topic, topicConfig);
  const assignment = new Map(Array.from({ length: partitionCount }, (_, partition) => [partition, [brokerId]]));
  await zkClient.createTopicAssignment(topic, topicId, assignment);
  await zkClient.createTopicPartitionStatesRaw(statesOf(directories, options), ANY_VERSION);
  logger.info('partition directories became a topic', {
    topic,
    topicId,
    partitions: directories.map(({ tp }) => tp.partition).sort((a, b) => a - b),
    settings: Object.fromEntries(topicConfig),
  });
}

function configForAdopted(
  unknown: UnknownTopic,
  config: KafkaConfig,
  evidence: CompactionEvidence,
): Map<string, string> {
  if (isInternalTopic(unknown.topic)) return internalTopicConfig(unknown.topic, config);
  const topicConfig = new Map<string, string>();
  if (evidence.isCompacted(unknown)) topicConfig.set('cleanup.policy', 'compact');
  if (config.logRetentionMs !== -1) topicConfig.set('retention.ms', '-1');
  if (config.number('log.retention.bytes') !== -1) topicConfig.set('retention.bytes', '-1');
  return topicConfig;
}

/** Which topics show that they were compacted. */
export class CompactionEvidence {
  readonly #fileSystem: FileSystem;
  readonly #logger: Logger;
  /** By log dir, what its cleaner-offset-checkpoint says. */
  readonly #checkpoints = new Map<string, ReadonlyMap<string, { readonly offset: number }>>();

  constructor({ fileSystem, logger }: { fileSystem: FileSystem; logger: Logger }) {
    this.#fileSystem = fileSystem;
    this.#logger = logger;
  }

  /** Does one of its partitions show it? Internal topics always are. */
  isCompacted({ topic, directories }: UnknownTopic): boolean {
    if (isInternalTopic(topic)) return true;
    return directories.some(({ tp, directory, logDirectory }) => {
      const cleanerOffset = this.#cleanerOffsets(logDirectory).get(topicPartitionKey(tp))?.offset;
      return hasBeenCompacted(this.#fileSystem, directory, cleanerOffset);
    });
  }

  #cleanerOffsets(logDirectory: string): ReadonlyMap<string, { readonly offset: number }> {
    const known = this.#checkpoints.get(logDirectory) ?? this.#read(logDirectory);
    this.#checkpoints.set(logDirectory, known);
    return known;
  }

  /** As none where the file is unreadable: the segments tell, too. */
  #read(logDirectory: string): ReadonlyMap<string, { readonly offset: number }> {
    const path = `${logDirectory}/${CLEANER_OFFSET_CHECKPOINT}`;
    try {
      return new OffsetCheckpointFile(this.#fileSystem, path).read();
    } catch (error) {
      if (!(error instanceof CheckpointFormatError)) throw error;
      this.#logger.warn('a checkpoint is unreadable', { problem: error.message });
      return new Map();
    }
  }
}

/** Leader epochs must not start over: those in the log would lie in the future. */
function statesOf(
  directories: readonly PartitionDirectory[],
  { fileSystem, logger, brokerId }: AdoptLogDirsOptions,
): TopicPartitionMap<LeaderIsrAndControllerEpoch> {
  const states = new TopicPartitionMap<LeaderIsrAndControllerEpoch>();
  for (const { tp, directory } of directories) {
    const epochs = new LeaderEpochFileCache(fileSystem, directory, { logger, mayRebuild: true });
    states.set(tp, {
      leaderAndIsr: {
        leader: brokerId,
        leaderEpoch: (epochs.latestEpoch ?? -1) + 1,
        isr: [brokerId],
        leaderRecoveryState: 0,
        partitionEpoch: 0,
      },
      controllerEpoch: 0,
    });
  }
  return states;
}
