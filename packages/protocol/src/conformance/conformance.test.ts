import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kafkaSchemas, messageVectors, skipWithoutFacts } from '../testing/facts.ts';
import { checkMessageVector, missingMessages } from './check-messages.ts';
import { parseMessageVectors } from './vector-json.ts';

describe('conformance with Apache Kafka', { skip: skipWithoutFacts }, () => {
  test('every golden message reads to its value and is written back to its bytes', () => {
    const vectors = messageVectors();
    const failures = vectors.map(checkMessageVector).filter((failure) => failure !== undefined);
    assert.deepEqual(failures, []);
    assert.ok(vectors.length > 4000, `only ${vectors.length} vectors`);
  });

  test('every message and version of the schemas of Kafka has a codec', () => {
    const schemas = kafkaSchemas();
    assert.deepEqual(missingMessages(schemas), []);
    assert.ok(schemas.length > 400, `only ${schemas.length} schemas`);
  });
});

describe('the conformance check itself', () => {
  const vector = (changes: object): string =>
    JSON.stringify({
      message: 'HeartbeatResponse',
      version: 1,
      hex: '0000000a0019',
      value: { throttleTimeMs: 10, errorCode: 25 },
      ...changes,
    });
  const verdictOf = (line: string): string | undefined => {
    const [parsed] = parseMessageVectors(line);
    assert.ok(parsed);
    return checkMessageVector(parsed);
  };

  test('passes a right vector', () => assert.equal(verdictOf(vector({})), undefined));

  const WRONG: [string, object, RegExp][] = [
    ['a value that differs', { value: { throttleTimeMs: 10, errorCode: 26 } }, /another value/],
    ['bytes that go on', { hex: '0000000a001900' }, /1 bytes after the end/],
    ['bytes that end early', { hex: '0000000a' }, /errorCode at position 4/],
    ['a field that the schema lacks', { value: { throttleTimeMs: 10, errorCode: 25, mood: 1 } }, /mood/],
    ['a message that we lack', { message: 'MoodRequest' }, /no codec for MoodRequest version 1/],
    ['a version that we lack', { version: 99 }, /no codec for HeartbeatResponse version 99/],
  ];
  for (const [what, changes, reason] of WRONG) {
    test(`fails ${what}`, () => assert.match(verdictOf(vector(changes)) ?? 'passed', reason));
  }

  test('names a version of a schema that has no codec', () => {
    const schemas = [{ name: 'HeartbeatRequest', validVersions: '0-5' }];
    assert.deepEqual(missingMessages(schemas), ['no codec for HeartbeatRequest version 5']);
  });
});
