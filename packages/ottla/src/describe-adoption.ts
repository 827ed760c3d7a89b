// `ottla start --adopt-log-dirs --dry-run`: which partition directories would become which topics. No topic is made and no broker started;
// the tree, where there is one, is opened and closed.

import { join, resolve } from 'node:path';
import type { FileSystem, Uuid } from '@ottla/base';
import {
  adoptionTable,
  type BrokerPorts,
  findUnknownTopics,
  type KafkaConfig,
  LogDirectoryInUseError,
} from '@ottla/broker';
import {
  EmbeddedTree,
  KafkaZkClient,
  SegmentJournal,
  TREE_JOURNAL_DIRECTORY,
  ZooKeeperClient,
} from '@ottla/coordination';
import {
  CheckpointFormatError,
  PARTITION_METADATA_FILE,
  type PartitionDirectory,
  PartitionMetadataFile,
  parseLogDirectoryName,
} from '@ottla/storage';

/** The table. @throws StorageError, TreeFormatError, LogDirectoryInUseError */
export async function describeAdoption(config: KafkaConfig, ports: BrokerPorts): Promise<string> {
  const { fileSystem, logger } = ports;
  const logDirs = config.logDirs.map((logDir) => resolve(logDir));
  const problems: string[] = [];
  const directories = logDirs.flatMap((logDir) => partitionDirectories(fileSystem, logDir, problems));
  const known = await knownTopics(join(logDirs[0] ?? '', TREE_JOURNAL_DIRECTORY), ports);
  return adoptionTable(findUnknownTopics(directories, known), { fileSystem, logger, logDirs, problems });
}

function partitionDirectories(fileSystem: FileSystem, logDirectory: string, problems: string[]): PartitionDirectory[] {
  if (fileSystem.statSync(logDirectory) === undefined) return [];
  return fileSystem.readDirectorySync(logDirectory).flatMap((name) => {
    const directory = join(logDirectory, name);
    const parsed = parseLogDirectoryName(name);
    if (parsed === undefined || fileSystem.statSync(directory)?.isDirectory !== true) return [];
    const topicId = topicIdIn(fileSystem, directory, problems);
    return [{ ...parsed, topicId, logDirectory, directory }];
  });
}

function topicIdIn(fileSystem: FileSystem, directory: string, problems: string[]): Uuid | undefined {
  try {
    return new PartitionMetadataFile(fileSystem, join(directory, PARTITION_METADATA_FILE)).read();
  } catch (error) {
    if (!(error instanceof CheckpointFormatError)) throw error;
    problems.push(`${error.message}: a start would not use the log dir`);
    return undefined;
  }
}

/** None without a tree: then none is made. */
async function knownTopics(journalDirectory: string, { fileSystem, clock, logger }: BrokerPorts): Promise<Set<string>> {
  if (fileSystem.statSync(journalDirectory) === undefined) return new Set();
  // Opening repairs what a crash left: not under a broker that runs.
  const lock = fileSystem.lockDirectorySync(journalDirectory);
  if (lock === undefined)
    throw new LogDirectoryInUseError(`${journalDirectory} is in use: a broker runs on these log.dirs`);
  const journal = new SegmentJournal({ fileSystem, directory: journalDirectory, logger });
  const tree = new EmbeddedTree({ clock, logger, journal });
  const client = new ZooKeeperClient({ connector: tree, clock, logger });
  try {
    await tree.start();
    await client.start();
    return new Set(await new KafkaZkClient({ client, clock, logger }).getAllTopicsInCluster());
  } finally {
    await client.close();
    await tree.close();
    lock.releaseSync();
  }
}
