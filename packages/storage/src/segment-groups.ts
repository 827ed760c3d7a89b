// Which segments compaction makes one of. Source: Kafka's Cleaner.groupSegmentsBySize (3.9).

import type { CleaningWork, SegmentToClean } from './cleaning-work.ts';

const RELATIVE_OFFSET_MAX = 0x7fffffff;

/** Runs of segments that fit into one. */
export function groupSegmentsBySize(
  segments: readonly SegmentToClean[],
  { segmentBytes, segmentIndexBytes }: CleaningWork['config'],
): SegmentToClean[][] {
  const groups: SegmentToClean[][] = [];
  let group: SegmentToClean[] = [];
  let [logSize, indexSize, timeIndexSize] = [0, 0, 0];
  for (const segment of segments) {
    const fits =
      logSize + segment.sizeInBytes <= segmentBytes &&
      indexSize + segment.offsetIndexBytes <= segmentIndexBytes &&
      timeIndexSize + segment.timeIndexBytes <= segmentIndexBytes &&
      segment.endOffset - 1 - (group[0]?.baseOffset ?? segment.baseOffset) <= RELATIVE_OFFSET_MAX;
    if (group.length > 0 && !fits) {
      groups.push(group);
      group = [];
      [logSize, indexSize, timeIndexSize] = [0, 0, 0];
    }
    group.push(segment);
    logSize += segment.sizeInBytes;
    indexSize += segment.offsetIndexBytes;
    timeIndexSize += segment.timeIndexBytes;
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
