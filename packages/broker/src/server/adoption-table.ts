// What `--adopt-log-dirs` would make of partition directories, as a table for a person who tries it first. Reads all of them, writes nothing.
//
//   PARTITION  TOPIC ID                CLEANUP  FORMAT  OFFSETS   SEGMENTS  BYTES  REMARK
//   orders-0   zHg53uw7RMC4hcbDG1s3Vw  delete   2       [0, 290)  3         41022
//   orders-1   zHg53uw7RMC4hcbDG1s3Vw  delete                               0      is not there and will be empty

import { join } from 'node:path';
import { type FileSystem, type Logger, StorageError, topicPartitionKey } from '@ottla/base';
import {
  CLEANER_OFFSET_CHECKPOINT,
  CleanShutdownFile,
  inspectPartition,
  LOG_START_OFFSET_CHECKPOINT,
  MetaPropertiesFile,
  OffsetCheckpointFile,
  type PartitionInspection,
  RECOVERY_POINT_CHECKPOINT,
  REPLICATION_OFFSET_CHECKPOINT,
} from '@ottla/storage';
import { CompactionEvidence, type UnknownTopic } from './adopt-log-dirs.ts';

const HEADINGS = ['PARTITION', 'TOPIC ID', 'CLEANUP', 'FORMAT', 'OFFSETS', 'SEGMENTS', 'BYTES', 'REMARK'];
const CHECKPOINTS = [
  RECOVERY_POINT_CHECKPOINT,
  LOG_START_OFFSET_CHECKPOINT,
  REPLICATION_OFFSET_CHECKPOINT,
  CLEANER_OFFSET_CHECKPOINT,
];

interface AdoptionTableOptions {
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
  /** log.dirs, absolute. */
  readonly logDirs: readonly string[];
  /** Found while the directories were listed. */
  readonly problems?: readonly string[];
}

/** @throws StorageError when a directory cannot be listed */
export function adoptionTable(topics: readonly UnknownTopic[], options: AdoptionTableOptions): string {
  if (topics.length === 0) return 'Every partition directory belongs to a topic: nothing to adopt.\n';
  const dirs = new Map(options.logDirs.map((path) => [path, lookAtLogDir(options.fileSystem, path)]));
  const evidence = new CompactionEvidence(options);
  const rows = topics.flatMap((topic) => rowsOf(topic, dirs, { fileSystem: options.fileSystem, evidence }));
  const cells = rows.map(({ cells: each }) => each);
  const damaged = rows.filter(({ isDamaged }) => isDamaged).length;
  const sizeInBytes = rows.reduce((sum, row) => sum + row.sizeInBytes, 0);
  const total = `${rows.length} partitions of ${topics.length} topics, ${sizeInBytes} bytes, ${damaged} damaged`;
  return `${[...inColumns([HEADINGS, ...cells]), '', total, ...[...dirs].flatMap(describeLogDir), ...(options.problems ?? [])].join('\n')}\n`;
}

interface LogDirLook {
  readonly wasStoppedCleanly: boolean;
  readonly broker: string;
  readonly logStarts: ReadonlyMap<string, { readonly offset: number }>;
  readonly problems: readonly string[];
}

function lookAtLogDir(fileSystem: FileSystem, path: string): LogDirLook {
  const problems: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      problems.push(error.message);
      return undefined;
    }
  };
  const checkpoints = new Map(
    CHECKPOINTS.map((name) => [name, attempt(() => new OffsetCheckpointFile(fileSystem, join(path, name)).read())]),
  );
  const meta = attempt(() => new MetaPropertiesFile(fileSystem, path).read());
  return {
    wasStoppedCleanly: new CleanShutdownFile(fileSystem, path).exists(),
    broker: meta === undefined ? 'of no broker' : `of broker ${meta.brokerId}, cluster ${meta.clusterId}`,
    logStarts: checkpoints.get(LOG_START_OFFSET_CHECKPOINT) ?? new Map(),
    problems,
  };
}

function describeLogDir([path, { wasStoppedCleanly, broker, problems }]: [string, LogDirLook]): string[] {
  const stop = wasStoppedCleanly
    ? 'stopped cleanly: only the ends of logs are checked at a start'
    : 'not stopped cleanly: the first damage above its recovery point ends a log';
  return [`${path}: ${broker}, ${stop}`, ...problems.map((problem) => `${path}: ${problem}`)];
}

interface Row {
  readonly cells: readonly string[];
  readonly sizeInBytes: number;
  readonly isDamaged: boolean;
}

function rowsOf(
  unknown: UnknownTopic,
  dirs: ReadonlyMap<string, LogDirLook>,
  { fileSystem, evidence }: { fileSystem: FileSystem; evidence: CompactionEvidence },
): Row[] {
  const { topic, topicId, directories, partitionCount, problem } = unknown;
  const id = topicId ?? 'a new one';
  if (problem !== undefined) {
    const names = directories.map(({ tp }) => topicPartitionKey(tp));
    return names.map((name) => ({ cells: rowOf(name, { remark: `stays as it is: ${problem}` }), ...NOTHING }));
  }
  const cleanup = evidence.isCompacted(unknown) ? 'compact' : 'delete';
  return Array.from({ length: partitionCount }, (_, partition) => {
    const name = topicPartitionKey({ topic, partition });
    const found = directories.find(({ tp }) => tp.partition === partition);
    if (found === undefined) {
      return { cells: rowOf(name, { id, cleanup, remark: 'is not there and will be empty' }), ...NOTHING };
    }
    const inspection = inspectPartition(fileSystem, found.directory);
    const start = dirs.get(found.logDirectory)?.logStarts.get(name)?.offset ?? 0;
    const cells = rowOf(name, { id, cleanup, inspection, start, remark: remarkOn(inspection) });
    return { cells, sizeInBytes: inspection.sizeInBytes, isDamaged: inspection.problems.length > 0 };
  });
}

const NOTHING = { sizeInBytes: 0, isDamaged: false };

function rowOf(
  name: string,
  row: { id?: string; cleanup?: string; inspection?: PartitionInspection; start?: number; remark: string },
): string[] {
  const { id = '', cleanup = '', inspection, start = 0, remark } = row;
  if (inspection === undefined) return [name, id, cleanup, '', '', '', '', remark];
  const { formats, startOffset, endOffset, segmentCount, sizeInBytes } = inspection;
  const offsets = `[${Math.min(Math.max(start, startOffset), endOffset)}, ${endOffset})`;
  return [name, id, cleanup, formats.join(','), offsets, String(segmentCount), String(sizeInBytes), remark];
}

function remarkOn({ problems, brokenIndexes, isCompactionUnfinished, segmentCount }: PartitionInspection): string {
  const remarks = [...problems];
  if (segmentCount === 0) remarks.push('holds no segment');
  if (brokenIndexes > 0) remarks.push(`indexes to build anew: ${brokenIndexes}`);
  if (isCompactionUnfinished) remarks.push('a compaction that was interrupted is finished or undone');
  return remarks.join('; ');
}

function inColumns(table: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) => {
    const last = row.length - 1;
    return row
      .map((cell, column) => (column === last ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  });
}
