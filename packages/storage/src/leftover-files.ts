// What a crash left in a partition's directory besides its log: files that were being written or deleted go, compaction that was being put in
// place is finished. Source: Kafka's LogLoader (removeTempFilesAndCollectSwapFiles, completeSwapOperations).

import type { FileSystem, Logger } from '@ottla/base';
import {
  CLEANED_SUFFIX,
  DELETED_SUFFIX,
  isIndexFile,
  isLogFile,
  LOG_SUFFIX,
  offsetFromFileName,
  SWAP_SUFFIX,
} from './log-file-names.ts';

export interface LeftoverFilesParts {
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
  /** Of the partition. */
  readonly directory: string;
  /** Offsets [baseOffset, nextOffset) that the compacted segment in a .swap file stands for. */
  nextOffsetOfSwap(baseOffset: number): number;
}

/** @param names what is in the directory
 *  @returns which of it was changed; `swapped`: segments too */
export function clearLeftovers(parts: LeftoverFilesParts, names: readonly string[]): 'nothing' | 'removed' | 'swapped' {
  const swaps = completeSwapsIn(names);
  const removed = names.filter((name) => isTemporary(name) && !swaps.includes(name));
  for (const name of removed) parts.fileSystem.removeFileSync(`${parts.directory}/${name}`);
  if (swaps.length === 0) return removed.length === 0 ? 'nothing' : 'removed';
  completeSwaps(parts, names, swaps);
  return 'swapped';
}

function isTemporary(name: string): boolean {
  return [SWAP_SUFFIX, CLEANED_SUFFIX, DELETED_SUFFIX, '.tmp'].some((suffix) => name.endsWith(suffix));
}

/** Compaction renames the highest segment first: a .cleaned file below says that a .swap file is not all there. */
function completeSwapsIn(names: readonly string[]): string[] {
  let firstCleaned = Number.POSITIVE_INFINITY;
  for (const name of names) {
    if (name.endsWith(CLEANED_SUFFIX)) firstCleaned = Math.min(firstCleaned, offsetFromFileName(name) ?? 0);
  }
  return names.filter((name) => name.endsWith(SWAP_SUFFIX) && (offsetFromFileName(name) ?? 0) < firstCleaned);
}

/** Puts compacted segments in place of those they stand for. */
function completeSwaps(parts: LeftoverFilesParts, names: readonly string[], swaps: readonly string[]): void {
  const { fileSystem, logger, directory } = parts;
  const { first, end } = rangeOf(parts, swaps);
  for (const name of names) {
    const offset = offsetFromFileName(name);
    const isSegmentFile = isLogFile(name) || isIndexFile(name);
    if (!isSegmentFile || offset === undefined || offset < first || offset >= end) continue;
    logger.info('removing a segment file that a compacted one replaces', { path: `${directory}/${name}` });
    fileSystem.removeFileSync(`${directory}/${name}`);
  }
  for (const name of swaps) {
    fileSystem.renameSync(`${directory}/${name}`, `${directory}/${name.slice(0, -SWAP_SUFFIX.length)}`);
  }
  fileSystem.syncDirectorySync(directory);
}

/** Offsets [first, end) that the compacted segments stand for; none where there are only indexes left to swap. */
function rangeOf(parts: LeftoverFilesParts, swaps: readonly string[]): { first: number; end: number } {
  let first = Number.POSITIVE_INFINITY;
  let end = Number.NEGATIVE_INFINITY;
  for (const name of swaps) {
    const baseOffset = offsetFromFileName(name);
    if (baseOffset === undefined || !name.endsWith(`${LOG_SUFFIX}${SWAP_SUFFIX}`)) continue;
    first = Math.min(first, baseOffset);
    end = Math.max(end, parts.nextOffsetOfSwap(baseOffset));
  }
  return { first, end };
}
