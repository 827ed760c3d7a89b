// Tiered storage: keys of server.properties. Facts from Kafka 3.9; what `status` says is ours.

import { atLeast, between, nonEmptyString } from '@ottla/base';
import type { BrokerConfigKey } from '../broker-config-key.ts';
import { threadPoolSize } from '../broker-config-validators.ts';

// biome-ignore format: one key a line
export const remoteKeys: readonly BrokerConfigKey[] = [
  { name: 'remote.fetch.max.wait.ms', type: 'int', default: '500', validator: atLeast(1), importance: 'medium', status: 'ignored', dynamic: 'cluster-wide', doc: 'How long a fetch waits for remote storage.' },
  { name: 'remote.log.index.file.cache.total.size.bytes', type: 'long', default: '1073741824', validator: atLeast(1), importance: 'low', status: 'ignored', dynamic: 'cluster-wide', doc: 'Local disk for indexes of remote segments.' },
  { name: 'remote.log.manager.copier.thread.pool.size', type: 'int', default: '-1', validator: threadPoolSize, importance: 'medium', status: 'ignored', doc: 'Threads that copy to remote storage.' },
  { name: 'remote.log.manager.copy.max.bytes.per.second', type: 'long', default: '9223372036854775807', validator: atLeast(1), importance: 'medium', status: 'ignored', dynamic: 'cluster-wide', doc: 'Speed limit of copying to remote storage.' },
  { name: 'remote.log.manager.copy.quota.window.num', type: 'int', default: '11', validator: atLeast(1), importance: 'medium', status: 'ignored', doc: 'Samples of that limit.' },
  { name: 'remote.log.manager.copy.quota.window.size.seconds', type: 'int', default: '1', validator: atLeast(1), importance: 'medium', status: 'ignored', doc: 'Time one of those samples covers.' },
  { name: 'remote.log.manager.expiration.thread.pool.size', type: 'int', default: '-1', validator: threadPoolSize, importance: 'medium', status: 'ignored', doc: 'Threads that delete from remote storage.' },
  { name: 'remote.log.manager.fetch.max.bytes.per.second', type: 'long', default: '9223372036854775807', validator: atLeast(1), importance: 'medium', status: 'ignored', dynamic: 'cluster-wide', doc: 'Speed limit of reading remote storage.' },
  { name: 'remote.log.manager.fetch.quota.window.num', type: 'int', default: '11', validator: atLeast(1), importance: 'medium', status: 'ignored', doc: 'Samples of that limit.' },
  { name: 'remote.log.manager.fetch.quota.window.size.seconds', type: 'int', default: '1', validator: atLeast(1), importance: 'medium', status: 'ignored', doc: 'Time one of those samples covers.' },
  { name: 'remote.log.manager.task.interval.ms', type: 'long', default: '30000', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'How often segments are looked through for copying.' },
  { name: 'remote.log.manager.task.retry.backoff.max.ms', type: 'long', default: '30000', validator: atLeast(1), importance: 'low', status: 'ignored', internal: true, doc: 'Longest pause after a failed remote task.' },
  { name: 'remote.log.manager.task.retry.backoff.ms', type: 'long', default: '500', validator: atLeast(1), importance: 'low', status: 'ignored', internal: true, doc: 'First pause after a failed remote task.' },
  { name: 'remote.log.manager.task.retry.jitter', type: 'double', default: '0.2', validator: between(0, 0.5), importance: 'low', status: 'ignored', internal: true, doc: 'Random part of that pause.' },
  { name: 'remote.log.manager.thread.pool.size', type: 'int', default: '10', validator: atLeast(1), importance: 'medium', status: 'ignored', doc: 'Threads for remote tasks.' },
  { name: 'remote.log.metadata.custom.metadata.max.bytes', type: 'int', default: '128', validator: atLeast(0), importance: 'low', status: 'ignored', doc: 'Largest metadata a storage plugin may attach.' },
  { name: 'remote.log.metadata.manager.class.name', type: 'string', default: 'org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager', validator: nonEmptyString, importance: 'medium', status: 'ignored', doc: 'Class that keeps the metadata of remote segments.' },
  { name: 'remote.log.metadata.manager.class.path', type: 'string', default: null, importance: 'medium', status: 'ignored', doc: 'Where that class is loaded from.' },
  { name: 'remote.log.metadata.manager.impl.prefix', type: 'string', default: 'rlmm.config.', validator: nonEmptyString, importance: 'medium', status: 'ignored', doc: 'Prefix of that class\'s own settings.' },
  { name: 'remote.log.metadata.manager.listener.name', type: 'string', default: null, validator: nonEmptyString, importance: 'medium', status: 'ignored', doc: 'Listener that class connects through.' },
  { name: 'remote.log.reader.max.pending.tasks', type: 'int', default: '100', validator: atLeast(1), importance: 'medium', status: 'ignored', doc: 'Remote reads that may wait.' },
  { name: 'remote.log.reader.threads', type: 'int', default: '10', validator: atLeast(1), importance: 'medium', status: 'ignored', doc: 'Threads that read remote storage.' },
  { name: 'remote.log.storage.manager.class.name', type: 'string', default: null, validator: nonEmptyString, importance: 'medium', status: 'ignored', doc: 'Class that stores remote segments.' },
  { name: 'remote.log.storage.manager.class.path', type: 'string', default: null, importance: 'medium', status: 'ignored', doc: 'Where that class is loaded from.' },
  { name: 'remote.log.storage.manager.impl.prefix', type: 'string', default: 'rsm.config.', validator: nonEmptyString, importance: 'medium', status: 'ignored', doc: 'Prefix of that class\'s own settings.' },
  { name: 'remote.log.storage.system.enable', type: 'boolean', default: 'false', importance: 'medium', status: 'refused', doc: 'Whether tiered storage runs.' },
];
