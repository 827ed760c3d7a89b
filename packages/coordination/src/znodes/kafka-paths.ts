// The paths a broker makes sure of when it starts. Each znode's own path stands with its codec. Source: kafka.zk.ZkData.

import { BrokerIdsZNode, BrokerSequenceIdZNode } from './broker-znodes.ts';
import { CONFIG_TYPES, ConfigEntityChangeNotificationZNode, ConfigEntityTypeZNode } from './config-znodes.ts';
import { IsrChangeNotificationZNode, LogDirEventNotificationZNode, ProducerIdBlockZNode } from './controller-znodes.ts';
import { DeleteTopicsZNode, TopicsZNode } from './topic-znodes.ts';

export const ConsumerPathZNode = { path: '/consumers' } as const;
export const DelegationTokenAuthZNode = { path: '/delegation_token' } as const;

/** Kafka's `PersistentZkPaths`, in its order. */
export const PERSISTENT_ZK_PATHS: readonly string[] = [
  ConsumerPathZNode.path,
  BrokerIdsZNode.path,
  TopicsZNode.path,
  ConfigEntityChangeNotificationZNode.path,
  DeleteTopicsZNode.path,
  BrokerSequenceIdZNode.path,
  IsrChangeNotificationZNode.path,
  ProducerIdBlockZNode.path,
  LogDirEventNotificationZNode.path,
  ...CONFIG_TYPES.map((type) => ConfigEntityTypeZNode.path(type)),
];

/** Nodes under these hold secrets: not readable by everyone where the tree is secured. */
export const SENSITIVE_ROOT_PATHS: readonly string[] = [
  ConfigEntityTypeZNode.path('users'),
  ConfigEntityTypeZNode.path('brokers'),
  `${DelegationTokenAuthZNode.path}/tokens`,
];
