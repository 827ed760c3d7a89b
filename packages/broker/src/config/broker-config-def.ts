// The table of every key server.properties may hold: all of Kafka 3.9's, and ours.

import { ConfigDef, oneOf } from '@ottla/base';
import type { BrokerConfigKey } from './broker-config-key.ts';
import { clusterKeys } from './definitions/cluster-keys.ts';
import { generalKeys } from './definitions/general-keys.ts';
import { groupsKeys } from './definitions/groups-keys.ts';
import { logKeys } from './definitions/log-keys.ts';
import { networkKeys } from './definitions/network-keys.ts';
import { quotasKeys } from './definitions/quotas-keys.ts';
import { remoteKeys } from './definitions/remote-keys.ts';
import { replicationKeys } from './definitions/replication-keys.ts';
import { securityKeys } from './definitions/security-keys.ts';

/** Keys of our own. */
export const ottlaKeys: readonly BrokerConfigKey[] = [
  {
    name: 'ottla.api.level',
    type: 'string',
    default: '',
    validator: oneOf('', '1.0', '1.1', '2.5', '3.9'),
    importance: 'low',
    status: 'used',
    doc: 'Offer exactly the APIs and versions of that release of Kafka, to test a client against it. Empty: all that are built.',
  },
];

/** Chapters of the table, in the order they are documented. */
export const brokerConfigChapters: readonly { title: string; keys: readonly BrokerConfigKey[] }[] = [
  { title: 'Ottla', keys: ottlaKeys },
  { title: 'Broker, topics and metrics', keys: generalKeys },
  { title: 'Listeners, sockets and connections', keys: networkKeys },
  { title: 'Logs', keys: logKeys },
  { title: 'Replication', keys: replicationKeys },
  { title: 'Groups and transactions', keys: groupsKeys },
  { title: 'Quotas', keys: quotasKeys },
  { title: 'Security', keys: securityKeys },
  { title: 'ZooKeeper and KRaft', keys: clusterKeys },
  { title: 'Tiered storage', keys: remoteKeys },
];

export const brokerConfigDef: ConfigDef<BrokerConfigKey> = new ConfigDef(
  brokerConfigChapters.flatMap((chapter) => chapter.keys),
);
