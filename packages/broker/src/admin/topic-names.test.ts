import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Errors, KafkaError } from '@ottla/base';
import { isInternalTopic, isValidTopicName, validateTopicName } from './topic-names.ts';

test('a topic cannot take the place of the tree on disk', () => {
  assert.equal(isValidTopicName('__ottla_tree'), false);
  assert.equal(isValidTopicName('__ottla_tree2'), true);
  assert.throws(
    () => validateTopicName('__ottla_tree'),
    (error) => error instanceof KafkaError && error.code === Errors.INVALID_TOPIC_EXCEPTION,
  );
});

test('internal topics are those of Kafka 3.9', () => {
  const names = ['__consumer_offsets', '__transaction_state', '__share_group_state', '__cluster_metadata', 'orders'];
  assert.deepEqual(names.map(isInternalTopic), [true, true, true, false, false]);
});
