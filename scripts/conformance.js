// Holds the codecs and record batches against golden bytes of Apache Kafka. Run after a build.
//   node scripts/conformance.js
// The folder of facts is KAFKA_FACTS, by default ../shared/kafka from the project's root. It holds schema/messages-*.json (messages
// and versions that exist), vectors/messages-*.jsonl and vectors/record-batches.jsonl. Exit code 1 when anything fails.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkMessageVector, missingMessages } from '../packages/protocol/dist/conformance/check-messages.js';
import { jsonLines, parseMessageVectors } from '../packages/protocol/dist/conformance/vector-json.js';
import { checkRecordSet } from './conformance/record-sets.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const facts = process.env.KAFKA_FACTS ?? join(root, '../shared/kafka');

function main() {
  if (!existsSync(join(facts, 'vectors'))) {
    console.error(`no facts about Kafka in ${facts}: set KAFKA_FACTS`);
    return 1;
  }
  const schemas = textsOf('schema', /^messages-.*\.json$/).flatMap((text) => JSON.parse(text));
  const messages = textsOf('vectors', /^messages-.*\.jsonl$/).flatMap(parseMessageVectors);
  const recordSets = textsOf('vectors', /^record-batches.*\.jsonl$/).flatMap(jsonLines);
  const missing = missingMessages(schemas);
  const wrongMessages = failuresOf(messages, checkMessageVector);
  const wrongSets = failuresOf(recordSets, checkRecordSet);
  for (const failure of [...missing, ...wrongMessages, ...wrongSets]) console.error(failure);
  const passed = (all, wrong) => `${all.length - wrong.length}/${all.length}`;
  console.log(`messages ${passed(messages, wrongMessages)}, record sets ${passed(recordSets, wrongSets)}`);
  const nothing = messages.length === 0 || recordSets.length === 0;
  return nothing || missing.length + wrongMessages.length + wrongSets.length > 0 ? 1 : 0;
}

function textsOf(folder, pattern) {
  const names = readdirSync(join(facts, folder)).filter((name) => pattern.test(name));
  return names.sort().map((name) => readFileSync(join(facts, folder, name), 'utf8'));
}

function failuresOf(items, check) {
  return items.map(check).filter((failure) => failure !== undefined);
}

process.exitCode = main();
