// Which names topics may have. Source: org.apache.kafka.common.internals.Topic.

import { Errors, KafkaError } from '@ottla/base';
import { TREE_JOURNAL_DIRECTORY } from '@ottla/coordination';

export const GROUP_METADATA_TOPIC = '__consumer_offsets';
export const TRANSACTION_STATE_TOPIC = '__transaction_state';
/** Of share groups, which are not served; a name of Kafka's all the same. */
export const SHARE_GROUP_STATE_TOPIC = '__share_group_state';
/** The log of KRaft: never a client's topic. */
export const CLUSTER_METADATA_TOPIC = '__cluster_metadata';

const INTERNAL_TOPICS: ReadonlySet<string> = new Set([
  GROUP_METADATA_TOPIC,
  TRANSACTION_STATE_TOPIC,
  SHARE_GROUP_STATE_TOPIC,
]);
/** Partition 0 of that topic would lie where the embedded tree has its journal. */
const TREE_JOURNAL_TOPIC = TREE_JOURNAL_DIRECTORY.replace(/-0$/, '');
const NAME_LENGTH_MAX = 249;
const LEGAL = /^[a-zA-Z0-9._-]+$/;

export function isInternalTopic(topic: string): boolean {
  return INTERNAL_TOPICS.has(topic);
}

/** @throws KafkaError INVALID_TOPIC_EXCEPTION with Kafka's message */
export function validateTopicName(topic: string): void {
  const detail = topicNameProblem(topic);
  if (detail !== undefined) {
    throw new KafkaError(Errors.INVALID_TOPIC_EXCEPTION, `Topic name is invalid: ${detail}`);
  }
}

export function isValidTopicName(topic: string): boolean {
  return topicNameProblem(topic) === undefined;
}

function topicNameProblem(topic: string): string | undefined {
  if (topic === '') return 'the empty string is not allowed';
  if (topic === '.') return "'.' is not allowed";
  if (topic === '..') return "'..' is not allowed";
  if (topic.length > NAME_LENGTH_MAX) {
    return `the length of '${topic}' is longer than the max allowed length ${NAME_LENGTH_MAX}`;
  }
  if (topic === TREE_JOURNAL_TOPIC) return `'${topic}' is reserved`;
  if (LEGAL.test(topic)) return undefined;
  return `'${topic}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`;
}

/** Metrics turn dots into underscores: two names that are then the same are not allowed together. */
export function unifyCollisionChars(topic: string): string {
  return topic.replaceAll('.', '_');
}

export function hasCollisionChars(topic: string): boolean {
  return topic.includes('_') || topic.includes('.');
}
