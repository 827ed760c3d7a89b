// `ottla start --adopt-log-dirs --dry-run`: which partition directories would become which topics. No topic is made and no broker started;
// the tree, where there is one, is opened and closed.

import { join, resolve } from 'node:path';
import type { FileSystem } from '@ottla/base';
import { type BrokerPorts, findUnknownTopics, formatUnknownTopics, type KafkaConfig } from '@ottla/broker';
import {
  EmbeddedTree,
  KafkaZkClient,
  SegmentJournal,
  TREE_JOURNAL_DIRECTORY,
  ZooKeeperClient,
} from '@ottla/coordination';
import {
  PARTITION_METADATA_FILE,
  type PartitionDirectory,
  PartitionMetadataFile,
  parseLogDirectoryName,
} from '@ottla/storage';

/** The table. @throws StorageError, TreeFormatError */
export async function describeAdoption(config: KafkaConfig, ports: BrokerPorts): Promise<string> {
  const logDirs = config.logDirs.map((logDir) => resolve(logDir));
  const directories = logDirs.flatMap((logDir) => partitionDirectories(ports.fileSystem, logDir));
  const known = await knownTopics(join(logDirs[0] ?? '', TREE_JOURNAL_DIRECTORY), ports);
  return formatUnknownTopics(findUnknownTopics(directories, known));
}

function partitionDirectories(fileSystem: FileSystem, logDirectory: string): PartitionDirectory[] {
  if (fileSystem.statSync(logDirectory) === undefined) return [];
  return fileSystem.readDirectorySync(logDirectory).flatMap((name) => {
    const directory = join(logDirectory, name);
    const parsed = parseLogDirectoryName(name);
    if (parsed === undefined || fileSystem.statSync(directory)?.isDirectory !== true) return [];
    const topicId = new PartitionMetadataFile(fileSystem, join(directory, PARTITION_METADATA_FILE)).read();
    return [{ ...parsed, topicId, logDirectory, directory }];
  });
}

/** None without a tree: then none is made. */
async function knownTopics(journalDirectory: string, { fileSystem, clock, logger }: BrokerPorts): Promise<Set<string>> {
  if (fileSystem.statSync(journalDirectory) === undefined) return new Set();
  const journal = new SegmentJournal({ fileSystem, directory: journalDirectory, logger });
  const tree = new EmbeddedTree({ clock, logger, journal });
  await tree.start();
  const client = new ZooKeeperClient({ connector: tree, clock, logger });
  try {
    await client.start();
    return new Set(await new KafkaZkClient({ client, clock, logger }).getAllTopicsInCluster());
  } finally {
    await client.close();
    await tree.close();
  }
}
