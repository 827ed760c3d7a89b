// Every setting of a topic: name, type, default, rule, and the broker settings that stand in where a topic has none of its own.
// Source: Kafka's LogConfig, TopicConfig and ServerTopicConfigSynonyms (3.9).

import {
  atLeast,
  between,
  betweenOr,
  ConfigDef,
  ConfigError,
  type ConfigImportance,
  type ConfigKey,
  type ConfigType,
  type ConfigValidator,
  custom,
  isListValue,
  oneOf,
  show,
} from '@ottla/base';

const LONG_MAX = '9223372036854775807';
const DAY_MS = 86_400_000;

/** `metadata.version`s that message.format.version may name; since inter-broker protocol 3.0 its value has no effect. */
const FORMAT_VERSIONS = (
  '0.8.0 0.8.1 0.8.2 0.9.0 0.10.0-IV0 0.10.0-IV1 0.10.1-IV0 0.10.1-IV1 0.10.1-IV2 0.10.2-IV0 0.11.0-IV0 0.11.0-IV1 ' +
  '0.11.0-IV2 1.0-IV0 1.1-IV0 2.0-IV0 2.0-IV1 2.1-IV0 2.1-IV1 2.1-IV2 2.2-IV0 2.2-IV1 2.3-IV0 2.3-IV1 2.4-IV0 2.4-IV1 ' +
  '2.5-IV0 2.6-IV0 2.7-IV0 2.7-IV1 2.7-IV2 2.8-IV0 2.8-IV1 3.0-IV0 3.0-IV1 3.1-IV0 3.2-IV0 3.3-IV0 3.3-IV1 3.3-IV2 ' +
  '3.3-IV3 3.4-IV0 3.5-IV0 3.5-IV1 3.5-IV2 3.6-IV0 3.6-IV1 3.6-IV2 3.7-IV0 3.7-IV1 3.7-IV2 3.7-IV3 3.7-IV4 3.8-IV0 ' +
  '3.9-IV0 4.0-IV0 4.0-IV1'
).split(' ');

/** `3.9` and `3.9.1` name the last of `3.9-IV…`, as in Kafka. */
const formatVersion: ConfigValidator = custom(`[${FORMAT_VERSIONS.join(', ')}]`, (name, value) => {
  const text = typeof value === 'string' ? value : '';
  const release = /^0\./.test(text) ? text.split('.').slice(0, 3).join('.') : text.split('.').slice(0, 2).join('.');
  if (FORMAT_VERSIONS.some((version) => version === text || version === release || version.startsWith(`${release}-`))) {
    return;
  }
  throw ConfigError.invalidValue(name, show(value), `Version ${text} is not a valid version`);
});

const throttledReplicas: ConfigValidator = custom(
  '[partitionId]:[brokerId],[partitionId]:[brokerId],...',
  (name, value) => {
    const elements = isListValue(value) ? value : [];
    if (elements.join('') === '*' || elements.every((element) => /^([0-9]+:[0-9]+)?$/.test(element))) return;
    throw ConfigError.invalidValue(
      name,
      show(value),
      `${name} must be the literal '*' or a list of replicas in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],...`,
    );
  },
);

type Row = readonly [
  name: string,
  type: ConfigType,
  defaultText: string,
  validator: ConfigValidator | undefined,
  serverKeys: readonly string[],
  doc: string,
  importance?: ConfigImportance,
];

const NONE: readonly string[] = [];

const ROWS: readonly Row[] = [
  [
    'cleanup.policy',
    'list',
    'delete',
    oneOf('compact', 'delete'),
    ['log.cleanup.policy'],
    'What happens to old records: "delete" drops whole segments by age and size, "compact" keeps the newest record of each key.',
  ],
  [
    'compression.gzip.level',
    'int',
    '-1',
    betweenOr(1, 9, -1),
    ['compression.gzip.level'],
    'Level for gzip, where compression.type is gzip.',
  ],
  [
    'compression.lz4.level',
    'int',
    '9',
    between(1, 17),
    ['compression.lz4.level'],
    'Level for lz4, where compression.type is lz4.',
  ],
  [
    'compression.type',
    'string',
    'producer',
    oneOf('uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'),
    ['compression.type'],
    'How batches are stored; "producer" keeps what the producer chose.',
  ],
  [
    'compression.zstd.level',
    'int',
    '3',
    between(-131072, 22),
    ['compression.zstd.level'],
    'Level for zstd, where compression.type is zstd.',
  ],
  [
    'delete.retention.ms',
    'long',
    String(DAY_MS),
    atLeast(0),
    ['log.cleaner.delete.retention.ms'],
    'How long a compacted topic keeps tombstones, so that a consumer that reads from the start sees them.',
  ],
  [
    'file.delete.delay.ms',
    'long',
    '60000',
    atLeast(0),
    ['log.segment.delete.delay.ms'],
    'How long a dropped segment stays on disk under another name.',
  ],
  [
    'flush.messages',
    'long',
    LONG_MAX,
    atLeast(1),
    ['log.flush.interval.messages'],
    'Records after which the log is synced to disk before they are acknowledged.',
  ],
  [
    'flush.ms',
    'long',
    LONG_MAX,
    atLeast(0),
    ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
    'The longest time a record stays in memory only.',
  ],
  [
    'follower.replication.throttled.replicas',
    'list',
    '',
    throttledReplicas,
    NONE,
    'Followers whose replication is throttled.',
  ],
  [
    'index.interval.bytes',
    'int',
    '4096',
    atLeast(0),
    ['log.index.interval.bytes'],
    'Bytes of log between two index entries.',
  ],
  [
    'leader.replication.throttled.replicas',
    'list',
    '',
    throttledReplicas,
    NONE,
    'Leaders whose replication is throttled.',
  ],
  [
    'local.retention.bytes',
    'long',
    '-2',
    atLeast(-2),
    ['log.local.retention.bytes'],
    'retention.bytes of what is kept locally under tiered storage, which is not built.',
  ],
  [
    'local.retention.ms',
    'long',
    '-2',
    atLeast(-2),
    ['log.local.retention.ms'],
    'retention.ms of what is kept locally under tiered storage, which is not built.',
  ],
  [
    'max.compaction.lag.ms',
    'long',
    LONG_MAX,
    atLeast(1),
    ['log.cleaner.max.compaction.lag.ms'],
    'The longest time a record may stay uncompacted.',
  ],
  ['max.message.bytes', 'int', '1048588', atLeast(0), ['message.max.bytes'], 'The largest batch accepted.'],
  [
    'message.downconversion.enable',
    'boolean',
    'true',
    undefined,
    ['log.message.downconversion.enable'],
    'Whether old consumers get batches converted to their format, or an error.',
    'low',
  ],
  [
    'message.format.version',
    'string',
    '3.0-IV1',
    formatVersion,
    ['log.message.format.version'],
    'Without effect: records are stored in format 2.',
  ],
  [
    'message.timestamp.after.max.ms',
    'long',
    LONG_MAX,
    atLeast(0),
    ['log.message.timestamp.after.max.ms'],
    'How far ahead of the broker a CreateTime timestamp may be.',
  ],
  [
    'message.timestamp.before.max.ms',
    'long',
    LONG_MAX,
    atLeast(0),
    ['log.message.timestamp.before.max.ms'],
    'How far behind the broker a CreateTime timestamp may be.',
  ],
  [
    'message.timestamp.difference.max.ms',
    'long',
    LONG_MAX,
    atLeast(0),
    ['log.message.timestamp.difference.max.ms'],
    'Deprecated: both of message.timestamp.before.max.ms and message.timestamp.after.max.ms.',
  ],
  [
    'message.timestamp.type',
    'string',
    'CreateTime',
    oneOf('CreateTime', 'LogAppendTime'),
    ['log.message.timestamp.type'],
    "Whose clock stamps records: the producer's or the broker's.",
  ],
  [
    'min.cleanable.dirty.ratio',
    'double',
    '0.5',
    between(0, 1),
    ['log.cleaner.min.cleanable.ratio'],
    'Share of the log that must be uncompacted before it is compacted.',
  ],
  [
    'min.compaction.lag.ms',
    'long',
    '0',
    atLeast(0),
    ['log.cleaner.min.compaction.lag.ms'],
    'The shortest time a record stays uncompacted.',
  ],
  [
    'min.insync.replicas',
    'int',
    '1',
    atLeast(1),
    ['min.insync.replicas'],
    'In-sync replicas without which acks=all is refused.',
  ],
  [
    'preallocate',
    'boolean',
    'false',
    undefined,
    ['log.preallocate'],
    'Without effect: segments grow as they are written.',
  ],
  ['remote.log.copy.disable', 'boolean', 'false', undefined, NONE, 'Tiered storage is not built.'],
  ['remote.log.delete.on.disable', 'boolean', 'false', undefined, NONE, 'Tiered storage is not built.'],
  ['remote.storage.enable', 'boolean', 'false', undefined, NONE, 'Tiered storage is not built.'],
  [
    'retention.bytes',
    'long',
    '-1',
    undefined,
    ['log.retention.bytes'],
    'Size of a partition beyond which old segments are dropped; -1: no limit.',
  ],
  [
    'retention.ms',
    'long',
    String(7 * DAY_MS),
    atLeast(-1),
    ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
    'Age beyond which segments are dropped; -1: no limit.',
  ],
  ['segment.bytes', 'int', '1073741824', atLeast(14), ['log.segment.bytes'], 'Size of a segment.'],
  [
    'segment.index.bytes',
    'int',
    '10485760',
    atLeast(4),
    ['log.index.size.max.bytes'],
    'Size an index may reach before its segment rolls.',
  ],
  [
    'segment.jitter.ms',
    'long',
    '0',
    atLeast(0),
    ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
    'Random time taken off segment.ms, so that segments do not roll all at once.',
  ],
  [
    'segment.ms',
    'long',
    String(7 * DAY_MS),
    atLeast(1),
    ['log.roll.ms', 'log.roll.hours'],
    'Age at which a segment rolls though it is not full.',
  ],
  [
    'unclean.leader.election.enable',
    'boolean',
    'false',
    undefined,
    ['unclean.leader.election.enable'],
    'Whether a replica that is not in sync may lead, losing records.',
  ],
];

/** A topic setting. `synonyms` are the broker settings that stand in, most specific first. */
export const logConfigDef: ConfigDef = new ConfigDef(ROWS.map(toConfigKey));

function toConfigKey([name, type, defaultText, validator, synonyms, doc, importance = 'medium']: Row): ConfigKey {
  return {
    name,
    type,
    default: defaultText,
    importance,
    doc,
    synonyms,
    ...(validator === undefined ? {} : { validator }),
  };
}
