// Replication between brokers: keys of server.properties. Facts from Kafka 3.9; what `status` says is ours.

import { atLeast } from '@ottla/base';
import type { BrokerConfigKey } from '../broker-config-key.ts';

// biome-ignore format: one key a line
export const replicationKeys: readonly BrokerConfigKey[] = [
  { name: 'num.replica.fetchers', type: 'int', default: '1', importance: 'high', status: 'ignored', dynamic: 'cluster-wide', doc: 'Fetchers per source broker.' },
  { name: 'min.insync.replicas', type: 'int', default: '1', validator: atLeast(1), importance: 'high', status: 'used', dynamic: 'cluster-wide', doc: 'Replicas that must have a record before an acks=all producer is answered.' },
  { name: 'replica.lag.time.max.ms', type: 'long', default: '30000', importance: 'high', status: 'used', doc: 'A follower that has not caught up for so long leaves the ISR.' },
  { name: 'replica.fetch.max.bytes', type: 'int', default: '1048576', validator: atLeast(0), importance: 'medium', status: 'ignored', doc: 'Bytes asked for per partition when replicating.' },
  { name: 'replica.fetch.min.bytes', type: 'int', default: '1', importance: 'high', status: 'ignored', doc: 'Bytes the leader waits for before it answers a follower.' },
  { name: 'replica.fetch.wait.max.ms', type: 'int', default: '500', importance: 'high', status: 'ignored', doc: 'How long the leader lets a follower wait for them.' },
  { name: 'replica.fetch.backoff.ms', type: 'int', default: '1000', validator: atLeast(0), importance: 'medium', status: 'ignored', doc: 'Pause of a follower after an error.' },
  { name: 'replica.fetch.response.max.bytes', type: 'int', default: '10485760', validator: atLeast(0), importance: 'medium', status: 'ignored', doc: 'Size of a whole answer when replicating.' },
  { name: 'replica.high.watermark.checkpoint.interval.ms', type: 'long', default: '5000', importance: 'high', status: 'used', doc: 'How often high watermarks are written.' },
  { name: 'replica.selector.class', type: 'string', default: null, importance: 'medium', status: 'refused', doc: 'Class that lets consumers read from a near replica.' },
  { name: 'replica.socket.receive.buffer.bytes', type: 'int', default: '65536', importance: 'high', status: 'ignored', doc: 'Receive buffer of a follower\'s sockets.' },
  { name: 'replica.socket.timeout.ms', type: 'int', default: '30000', importance: 'high', status: 'ignored', doc: 'Timeout of a follower\'s requests.' },
  { name: 'replication.quota.window.num', type: 'int', default: '11', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'Samples of the replication quota.' },
  { name: 'replication.quota.window.size.seconds', type: 'int', default: '1', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'Time one sample of the replication quota covers.' },
  { name: 'alter.log.dirs.replication.quota.window.num', type: 'int', default: '11', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'Samples of the quota on moving replicas between directories; here the pace is even, without samples.' },
  { name: 'alter.log.dirs.replication.quota.window.size.seconds', type: 'int', default: '1', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'Time one of those samples covers.' },
];
