// How logs are cleaned, by settings that may change meanwhile.

export interface LogCleanerSettings {
  /** log.cleaner.enable */
  readonly enable: boolean;
  /** log.cleaner.threads; 0: none cleans */
  readonly threads: number;
  /** log.cleaner.dedupe.buffer.size: the most memory that maps of keys may take, of all cleaners together */
  readonly dedupeBufferSize: number;
  /** log.cleaner.io.buffer.load.factor: how full a map may be */
  readonly dedupeBufferLoadFactor: number;
  /** log.cleaner.io.max.bytes.per.second: of reading and writing, of all cleaners together */
  readonly ioMaxBytesPerSecond: number;
  /** log.cleaner.backoff.ms: the pause when nothing needs cleaning */
  readonly backoffMs: number;
}

export const DEFAULT_LOG_CLEANER_SETTINGS: LogCleanerSettings = {
  enable: true,
  threads: 1,
  dedupeBufferSize: 134_217_728,
  dedupeBufferLoadFactor: 0.9,
  ioMaxBytesPerSecond: Number.MAX_VALUE,
  backoffMs: 15_000,
};

/** Of one cleaner's map. */
export const DEDUPE_BUFFER_BYTES_MAX = 2 ** 31 - 1;

/** The most memory that the map of each of `cleanerCount` cleaners may take. */
export function dedupeBufferShare({ dedupeBufferSize }: LogCleanerSettings, cleanerCount: number): number {
  return Math.min(Math.floor(dedupeBufferSize / Math.max(1, cleanerCount)), DEDUPE_BUFFER_BYTES_MAX);
}
