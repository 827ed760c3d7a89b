// Names of files and directories of a log. Source: Kafka's LogFileUtils and LocalLog (3.9).
//
//   orders-3/00000000000000000290.log          segment that starts at offset 290; .index .timeindex .txnindex .snapshot beside it
//   orders-3/00000000000000000290.log.deleted  waits for file.delete.delay.ms
//   orders-3.1f0c…e2-delete                    the whole partition waits to be deleted (1f0c…e2: 32 hex digits, unique)
//   orders-3.1f0c…e2-future                    a replica that moves in from another log dir
//   orders-3.1f0c…e2-stray                     a partition that no longer belongs to this broker

import { type Random, randomUuid, type TopicPartition, uuidToBytes } from '@ottla/base';

export const LOG_SUFFIX = '.log';
export const INDEX_SUFFIX = '.index';
export const TIME_INDEX_SUFFIX = '.timeindex';
export const TXN_INDEX_SUFFIX = '.txnindex';
export const PRODUCER_SNAPSHOT_SUFFIX = '.snapshot';
export const DELETED_SUFFIX = '.deleted';
export const CLEANED_SUFFIX = '.cleaned';
export const SWAP_SUFFIX = '.swap';

const OFFSET_DIGITS = 20;
const DIRECTORY_NAME_MAX = 255;
const UNIQUE_DIGITS = 32;
const UNIQUE_DIRECTORY = /^(.+)\.[0-9a-z]{32}-(delete|future|stray)$/;

export type DirectoryState = 'current' | 'delete' | 'future' | 'stray';

/** 290 → `00000000000000000290` */
export function filenamePrefixFromOffset(offset: number): string {
  return String(offset).padStart(OFFSET_DIGITS, '0');
}

/** The offset a file's name begins with. @returns undefined when it begins with none */
export function offsetFromFileName(name: string): number | undefined {
  const dot = name.indexOf('.');
  const digits = dot === -1 ? name : name.slice(0, dot);
  if (!/^[0-9]{1,20}$/.test(digits)) return undefined;
  const offset = Number(digits);
  return Number.isSafeInteger(offset) ? offset : undefined;
}

export function isLogFile(name: string): boolean {
  return name.endsWith(LOG_SUFFIX) && offsetFromFileName(name) !== undefined;
}

export function isIndexFile(name: string): boolean {
  return name.endsWith(INDEX_SUFFIX) || name.endsWith(TIME_INDEX_SUFFIX) || name.endsWith(TXN_INDEX_SUFFIX);
}

/** `orders-3` → orders, 3; with what the directory is waiting for. @returns undefined when the name is not a partition's */
export function parseLogDirectoryName(name: string): { tp: TopicPartition; state: DirectoryState } | undefined {
  const unique = UNIQUE_DIRECTORY.exec(name);
  const base = unique?.[1] ?? name;
  if (unique === null && /-(delete|future|stray)$/.test(name)) return undefined;
  const dash = base.lastIndexOf('-');
  const topic = base.slice(0, Math.max(0, dash));
  const digits = base.slice(dash + 1);
  if (topic === '' || !/^[0-9]{1,10}$/.test(digits) || Number(digits) > 0x7fffffff) return undefined;
  const state = unique?.[2];
  return {
    tp: { topic, partition: Number(digits) },
    state: state === 'delete' || state === 'future' || state === 'stray' ? state : 'current',
  };
}

/** Characters of the name that `uniqueDirectoryName` makes when it cuts nothing. */
export function uniqueDirectoryNameSize(tp: TopicPartition, state: 'delete' | 'future' | 'stray'): number {
  return `${tp.topic}-${tp.partition}.-${state}`.length + UNIQUE_DIGITS;
}

/** A name the partition's directory can be moved to. A long topic name is cut so that the whole fits 255 characters. */
export function uniqueDirectoryName(tp: TopicPartition, state: 'delete' | 'future' | 'stray', random: Random): string {
  const suffix = `-${tp.partition}.${uuidToBytes(randomUuid(random)).toString('hex')}-${state}`;
  // Kafka cuts only names of directories to be deleted; the others must keep their topic.
  const topic = state === 'delete' ? tp.topic.slice(0, DIRECTORY_NAME_MAX - suffix.length) : tp.topic;
  return `${topic}${suffix}`;
}
