// What the offset requests of a group take and answer.

import { type ErrorCode, Errors } from '@ottla/base';
import type { OffsetAndMetadata, OffsetsByPartition } from './offset-cache.ts';

export const INVALID_OFFSET = -1;
export const NO_LEADER_EPOCH = -1;

/** One partition's answer to OffsetFetch; offset -1 when nothing was committed. */
export interface FetchedOffset {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: ErrorCode;
}

export type FetchedOffsets = ReadonlyMap<string, ReadonlyMap<number, FetchedOffset>>;

export function noOffset(errorCode: ErrorCode = Errors.NONE): FetchedOffset {
  return { offset: INVALID_OFFSET, leaderEpoch: NO_LEADER_EPOCH, metadata: '', errorCode };
}

/** Errors by topic and partition, in the order they were asked. */
export type PartitionErrors = ReadonlyMap<string, ReadonlyMap<number, ErrorCode>>;

/** `errorOf` each partition. */
export function partitionErrors<T>(
  partitions: ReadonlyMap<string, ReadonlyMap<number, T>>,
  errorOf: (value: T) => ErrorCode,
): PartitionErrors {
  const errors = new Map<string, Map<number, ErrorCode>>();
  for (const [topic, values] of partitions) {
    const ofTopic = new Map<number, ErrorCode>();
    for (const [partition, value] of values) ofTopic.set(partition, errorOf(value));
    errors.set(topic, ofTopic);
  }
  return errors;
}

/** Those of `offsets` that pass. */
export function filterOffsets(
  offsets: OffsetsByPartition,
  passes: (metadata: string) => boolean,
): { readonly offsets: OffsetsByPartition; readonly count: number } {
  const filtered = new Map<string, Map<number, OffsetAndMetadata>>();
  let count = 0;
  for (const [topic, partitions] of offsets) {
    const ofTopic = new Map([...partitions].filter(([, value]) => passes(value.metadata)));
    if (ofTopic.size > 0) filtered.set(topic, ofTopic);
    count += ofTopic.size;
  }
  return { offsets: filtered, count };
}
