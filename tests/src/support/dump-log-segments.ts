// Kafka's own tool for the files of a log dir.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type KafkaVersion, kafkaTool } from './reference-kafka.ts';

/** Everything that a partition's directory holds can be read, and the indexes agree with their segments. @returns how many files it read */
export async function assertCleanDump(version: KafkaVersion, logDir: string): Promise<number> {
  const indexes = filesOf(logDir, ['.index', '.timeindex']);
  const all = [...filesOf(logDir, ['.log', '.snapshot', '.txnindex']), ...indexes];
  const dump = (...flags: string[]): Promise<string> => kafkaTool(version, 'kafka.tools.DumpLogSegments', ...flags);
  const [deep, sane] = await Promise.all([
    dump('--deep-iteration', '--files', all.join(',')),
    dump('--index-sanity-check', '--files', indexes.join(',')),
  ]);
  const complaint =
    /isvalid: false|found invalid|mismatch|non-?consecutive|out of order|not found|should be|exception/i;
  for (const line of `${deep}\n${sane}`.split('\n')) assert.doesNotMatch(line, complaint);
  assert.equal(deep.match(/^Dumping /gm)?.length, all.length, 'files that were read');
  assert.equal(sane.match(/ (passed sanity check|is empty)\.$/gm)?.length, indexes.length, 'indexes that passed');
  return all.length;
}

function filesOf(logDir: string, suffixes: readonly string[]): string[] {
  const directories = readdirSync(logDir, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return directories.flatMap(({ name }) =>
    readdirSync(join(logDir, name))
      .filter((file) => suffixes.some((suffix) => file.endsWith(suffix)))
      .map((file) => join(logDir, name, file)),
  );
}
