// Where our broker's answers differ from Kafka 3.9.1's, and why they must. An entry that allows nothing any more fails the test.

import type { AllowedDifference } from './compare.ts';

export const ALLOWED_DIFFERENCES: readonly AllowedDifference[] = [
  {
    step: /^ask for versions/,
    path: /^apiKeys\[7[45]\]$/,
    because: 'ListClientMetricsResources and DescribeTopicPartitions are served in ZooKeeper mode too',
  },
  {
    step: /^describe client metrics|^alter what is refused$|^change keys in ways that are refused$/,
    path: /\[metrics of type 16\]/,
    because: 'client metrics subscriptions can be configured in ZooKeeper mode too',
  },
  {
    step: 'validate topics only',
    path: /^topics\[(unknown-broker|no-broker)\]/,
    because:
      'replicas on brokers that are not there, or none, are refused as in KRaft mode: nobody could ever lead them',
  },
  {
    step: /^fetch /,
    path: /\.records\.(sizeInBytes|cutBytes)$/,
    because: 'Kafka tells a size before it converts records down and cuts or fills them to it; ours are whole',
  },
  {
    step: /^fetch /,
    path: /\.records\.batches\[\d+\]$/,
    because: 'records that Kafka cuts off because they grew when they were converted down',
  },
  {
    step: /^(commit for|read offsets of) a group without a name$/,
    path: /\.errorCode$/,
    because:
      'INVALID_GROUP_ID, where Kafka stumbles over the path in ZooKeeper (version 0) and answers UNKNOWN_SERVER_ERROR',
  },
  {
    step: /^list (groups|empty groups|classic groups)/,
    path: /^groups\[refused\]$/,
    because: 'a join that is refused leaves no empty group behind',
  },
  {
    step: /^describe a broker( with synonyms)?$/,
    path: /\[zookeeper\.connect\]/,
    because: 'the znode tree is in the broker',
  },
  {
    step: /^describe a broker( with synonyms)?$/,
    path: /configs\[ottla\./,
    because: 'settings of our own',
  },
  {
    step: 'produce a batch of an unknown format',
    path: /\.errorMessage$/,
    because: 'tells the position of the batch too',
  },
  {
    step: /unknown way$|^describe quotas with a match that is none$|^add partitions to a topic without a name$/,
    path: /error(Code|Message)$/,
    because: 'INVALID_REQUEST and its reason, where Kafka fails with UNKNOWN_SERVER_ERROR',
  },
  {
    step: 'set keys of a broker that are refused',
    path: /\.errorMessage$/,
    because: 'the reason, where Kafka says "/ by zero"',
  },
];
