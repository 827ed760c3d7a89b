// What operators watch of log dirs and of the cleaner, under Kafka's names. Worked out when somebody reads.
// Source: kafka.log.{LogManager, LogCleaner, LogCleanerManager} (gauges).

import type { Clock, MetricsRegistry } from '@ottla/base';
import type { LogManager } from '@ottla/storage';

const LOG_MANAGER = { group: 'kafka.log', type: 'LogManager' };
const LOG_CLEANER = { group: 'kafka.log', type: 'LogCleaner' };
const LOG_CLEANER_MANAGER = { group: 'kafka.log', type: 'LogCleanerManager' };

/** @param parts.logDirs absolute, as configured */
export function registerLogGauges(
  metrics: MetricsRegistry,
  parts: { logManager: LogManager; logDirs: readonly string[]; clock: Clock },
): void {
  const { logManager, logDirs, clock } = parts;
  const { cleaner } = logManager;
  metrics.gauge({ ...LOG_MANAGER, name: 'OfflineLogDirectoryCount' }, () => logManager.offlineLogDirs.length);
  for (const logDir of logDirs) {
    const tags = new Map([['logDirectory', logDir]]);
    const isOffline = () => (logManager.isLogDirOnline(logDir) ? 0 : 1);
    metrics.gauge({ ...LOG_MANAGER, name: 'LogDirectoryOffline', tags }, isOffline);
    const uncleanable = { ...LOG_CLEANER_MANAGER, tags };
    metrics.gauge({ ...uncleanable, name: 'uncleanable-partitions-count' }, () => cleaner.uncleanableIn(logDir).count);
    metrics.gauge({ ...uncleanable, name: 'uncleanable-bytes' }, () => cleaner.uncleanableIn(logDir).sizeInBytes);
  }
  const percentOf = (part: number, whole: number) => Math.trunc((100 * part) / Math.max(1, whole));
  metrics.gauge({ ...LOG_CLEANER_MANAGER, name: 'max-dirty-percent' }, () => percentOf(cleaner.stats.maxDirtyRatio, 1));
  metrics.gauge(
    { ...LOG_CLEANER_MANAGER, name: 'time-since-last-run-ms' },
    () => clock.nowMs() - cleaner.stats.lastRunMs,
  );
  metrics.gauge({ ...LOG_CLEANER, name: 'cleaner-recopy-percent' }, () =>
    percentOf(cleaner.stats.bytesWritten, cleaner.stats.bytesRead),
  );
  metrics.gauge({ ...LOG_CLEANER, name: 'max-clean-time-secs' }, () => Math.trunc(cleaner.stats.maxCleanTookMs / 1000));
  metrics.gauge({ ...LOG_CLEANER, name: 'max-buffer-utilization-percent' }, () =>
    Math.trunc(100 * cleaner.stats.maxBufferUtilization),
  );
  metrics.gauge({ ...LOG_CLEANER, name: 'max-compaction-delay-secs' }, () =>
    Math.trunc(cleaner.stats.maxCompactionDelayMs / 1000),
  );
  metrics.gauge({ ...LOG_CLEANER, name: 'DeadThreadCount' }, () => cleaner.stats.deadThreadCount);
}
