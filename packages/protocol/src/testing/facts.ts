// The folder with facts about Apache Kafka, for tests: golden bytes and Kafka's own schemas.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isJsonObject, type JsonObject, type MessageVector, parseMessageVectors } from '../conformance/vector-json.ts';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const FACTS = process.env.KAFKA_FACTS ?? join(ROOT, '../shared/kafka');

/** What a test that needs facts passes as `skip`. With CI=true it does not skip but fails. */
export const skipWithoutFacts: string | false =
  existsSync(join(FACTS, 'vectors')) || process.env.CI === 'true' ? false : `no facts about Kafka in ${FACTS}`;

/** Every golden message of the folder. */
export function messageVectors(): MessageVector[] {
  return factFiles('vectors', /^messages-.*\.jsonl$/).flatMap((text) => parseMessageVectors(text));
}

/** Kafka's schema of every message, one set after the other for every release in the folder. */
export function kafkaSchemas(): JsonObject[] {
  return factFiles('schema', /^messages-.*\.json$/).flatMap((text) => objectsOf(JSON.parse(text)));
}

/** Kafka's API keys and their versions per release. */
export function kafkaApiVersions(): JsonObject[] {
  return factFiles('.', /^api-versions\.json$/).flatMap((text) => objectsOf(JSON.parse(text)));
}

function factFiles(folder: string, pattern: RegExp): string[] {
  const names = readdirSync(join(FACTS, folder)).filter((name) => pattern.test(name));
  return names.sort().map((name) => readFileSync(join(FACTS, folder, name), 'utf8'));
}

function objectsOf(value: unknown): JsonObject[] {
  if (!Array.isArray(value) || !value.every(isJsonObject)) throw new TypeError('not a list of objects');
  return value;
}
