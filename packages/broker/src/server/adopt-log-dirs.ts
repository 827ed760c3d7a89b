// Makes topics out of partition directories that the tree does not know: log.dirs that were moved here from a broker of Apache Kafka, or a
// tree that was lost. Runs after the directories were listed and before the controller starts.
//
//   orders-0/ orders-2/ with partition.metadata   →   topic orders with that id, partitions 0, 1 (empty), 2, this broker their leader

import {
  type FileSystem,
  type Logger,
  type TopicPartition,
  TopicPartitionMap,
  topicPartitionKey,
  type Uuid,
} from '@ottla/base';
import {
  ANY_VERSION,
  type KafkaZkClient,
  type LeaderIsrAndControllerEpoch,
  TREE_JOURNAL_DIRECTORY,
} from '@ottla/coordination';
import { LeaderEpochFileCache, type PartitionDirectory } from '@ottla/storage';
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
  for (const unknown of await unknownToTheTree(options)) {
    if (unknown.problem !== undefined) {
      options.logger.error('partition directories cannot become a topic', {
        topic: unknown.topic,
        problem: unknown.problem,
      });
      continue;
    }
    await adopt(unknown, options);
    adopted.push(unknown);
  }
  return adopted;
}

async function unknownToTheTree({ zkClient, directories }: AdoptLogDirsOptions): Promise<UnknownTopic[]> {
  return findUnknownTopics(directories, new Set(await zkClient.getAllTopicsInCluster()));
}

/** What would be adopted, as a table for a person. */
export function formatUnknownTopics(topics: readonly UnknownTopic[]): string {
  if (topics.length === 0) return 'Every partition directory belongs to a topic: nothing to adopt.\n';
  const rows = topics.map(({ topic, topicId, directories, partitionCount, problem }) => [
    topic,
    topicId ?? 'a new one',
    String(partitionCount),
    problem ?? missingText(directories, partitionCount),
  ]);
  const table = [['TOPIC', 'TOPIC ID', 'PARTITIONS', 'REMARK'], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const lines = table.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
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

async function adopt(unknown: UnknownTopic, options: AdoptLogDirsOptions): Promise<void> {
  const { topic, topicId, partitionCount, directories } = unknown;
  const { zkClient, brokerId, logger } = options;
  const topicConfig = configForAdopted(topic, options.config);
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

/** A topic's own settings did not come along with its directories. So that the broker's retention does not delete what was meant to stay,
 *  records are kept until somebody says otherwise. */
function configForAdopted(topic: string, config: KafkaConfig): Map<string, string> {
  if (isInternalTopic(topic)) return internalTopicConfig(topic, config);
  const topicConfig = new Map<string, string>();
  if (config.logRetentionMs !== -1) topicConfig.set('retention.ms', '-1');
  if (config.number('log.retention.bytes') !== -1) topicConfig.set('retention.bytes', '-1');
  return topicConfig;
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

function missingText(directories: readonly { tp: TopicPartition }[], partitionCount: number): string {
  const present = new Set(directories.map(({ tp }) => tp.partition));
  const missing = Array.from({ length: partitionCount }, (_, partition) => partition).filter(
    (each) => !present.has(each),
  );
  return missing.length === 0 ? '' : `without ${missing.join(', ')}, which will be empty`;
}
