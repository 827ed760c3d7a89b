// One row of the table of server.properties keys.

import type { ConfigKey } from '@ottla/base';

/** Kafka's DynamicBrokerConfig: may a running broker be told a new value, and for which brokers at once? */
export type UpdateMode = 'per-broker' | 'cluster-wide';

/** What this broker does with a key that Kafka has.
 *  used: it acts as in Kafka. ignored: parsed, checked and described, without effect.
 *  refused: not built, and too dangerous to ignore; the broker does not start when it is set away from its default. */
export type KeyStatus = 'used' | 'ignored' | 'refused';

export interface BrokerConfigKey extends ConfigKey {
  readonly status: KeyStatus;
  /** Absent: read-only while the broker runs. */
  readonly dynamic?: UpdateMode;
  /** Kafka keeps it out of documentation and of DescribeConfigs unless it is set. */
  readonly internal?: boolean;
}
