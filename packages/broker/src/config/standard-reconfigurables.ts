// Rules on changing settings while the broker runs that hold whether or not a part acts on them.
// Source: kafka.server.{DynamicThreadPool, DynamicListenerConfig}, kafka.log.LogCleaner.validateReconfiguration (3.9).

import { ConfigError, type ParsedConfig } from '@ottla/base';
import { changedKeys, type Reconfigurable } from './reconfigurable.ts';

const THREAD_POOL_KEYS = [
  'num.io.threads',
  'num.replica.fetchers',
  'num.recovery.threads.per.data.dir',
  'background.threads',
  'num.network.threads',
];

const threadPools: Reconfigurable = {
  name: 'DynamicThreadPool',
  keys: THREAD_POOL_KEYS,
  validate(current, wanted) {
    for (const key of changedKeys(THREAD_POOL_KEYS, current, wanted)) {
      mustNotJump(
        current.number(key),
        wanted.number(key),
        `Dynamic thread count update validation failed for ${key}=${wanted.number(key)}, value`,
      );
    }
  },
  reconfigure() {},
};

const CLEANER_THREADS = 'log.cleaner.threads';

const cleanerThreads: Reconfigurable = {
  name: 'LogCleaner',
  keys: [CLEANER_THREADS],
  validate(current: ParsedConfig, wanted: ParsedConfig) {
    const before = current.number(CLEANER_THREADS);
    const after = wanted.number(CLEANER_THREADS);
    if (after < 1) throw new ConfigError('Log cleaner threads should be at least 1');
    if (after < before / 2) {
      throw new ConfigError(`Log cleaner threads cannot be reduced to less than half the current value ${before}`);
    }
    if (after > before * 2) {
      throw new ConfigError(`Log cleaner threads cannot be increased to more than double the current value ${before}`);
    }
  },
  reconfigure() {},
};

/** Kafka can open and close listeners while it runs; here that is not built. */
const listeners: Reconfigurable = {
  name: 'DynamicListenerConfig',
  keys: ['listeners', 'advertised.listeners', 'listener.security.protocol.map'],
  validate() {
    throw new ConfigError('Listeners cannot be changed while the broker runs: that is not built');
  },
  reconfigure() {},
};

const metricReporters: Reconfigurable = {
  name: 'DynamicMetricsReporters',
  keys: ['metric.reporters'],
  validate() {
    throw new ConfigError(
      'Validation of dynamic config update of Set(metric.reporters) failed with class class kafka.server.DynamicMetricsReporters',
    );
  },
  reconfigure() {},
};

export const standardReconfigurables: readonly Reconfigurable[] = [
  threadPools,
  cleanerThreads,
  listeners,
  metricReporters,
];

function mustNotJump(before: number, after: number, what: string): void {
  if (after < before / 2) throw new ConfigError(`${what} should be at least half the current value ${before}`);
  if (after > before * 2)
    throw new ConfigError(`${what} should not be greater than double the current value ${before}`);
}
