// Every API and version that a broker of Kafka 3.9 in ZooKeeper mode serves, asked of our broker in one fixed scenario and held
// against what Kafka 3.9.1 answered to the same (golden/, recorded by scripts/record-api-answers.js).

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { apiLevels } from '@ottla/protocol';
import { ALLOWED_DIFFERENCES } from './recorder/allowed-differences.ts';
import { compare, describeDifference } from './recorder/compare.ts';
import { BROKER_CONFIG, scenario } from './recorder/scenario/index.ts';
import type { Entry } from './recorder/step.ts';
import { parseTranscript, record } from './recorder/transcript.ts';
import { projectRoot, startBrokerProcess } from './support/broker-process.ts';

const SHOWN_MAX = 60;
/** Between brokers and their controller, where the sender must be a broker that the controller knows: LeaderAndIsr, StopReplica,
 *  UpdateMetadata, ControlledShutdown. */
const NOT_ASKED = new Set([4, 5, 6, 7]);

const golden = parseTranscript(readFileSync(join(projectRoot, 'tests/golden/api-answers-kafka-3.9.1.jsonl'), 'utf8'));

describe('answers of every API in every version', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ottla-api-answers-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('the golden transcript holds every version of every API that Kafka serves', () => {
    const recorded = new Set(golden.map(({ api, version }) => `${api} ${version}`));
    assert.deepEqual(
      servedVersions().filter((served) => !recorded.has(served)),
      [],
    );
  });

  test('our broker answers as Kafka does', { timeout: 180_000 }, async () => {
    const { unexpected, stale } = compare(golden, await answersOfOurs(folder), ALLOWED_DIFFERENCES);
    const lines = [
      ...unexpected.slice(0, SHOWN_MAX).map(describeDifference),
      ...(unexpected.length > SHOWN_MAX ? [`… and ${unexpected.length - SHOWN_MAX} more`] : []),
      ...stale.map(({ step, path, because }) => `no longer different: ${step} ${path ?? ''} (${because})`),
    ];
    assert.equal(lines.length, 0, `answers differ:\n${lines.join('\n')}`);
  });
});

function servedVersions(): string[] {
  const served = [...apiLevels.values()].filter(
    ({ apiKey, servedByZooKeeperModeBroker }) => servedByZooKeeperModeBroker && !NOT_ASKED.has(apiKey),
  );
  return served.flatMap(({ name, versions }) => {
    const [min, max] = versions['3.9'] ?? [0, -1];
    return Array.from({ length: max - min + 1 }, (_, index) => `${name} ${min + index}`);
  });
}

async function answersOfOurs(logDir: string): Promise<Entry[]> {
  const broker = await startBrokerProcess({ dataDirectory: logDir, config: BROKER_CONFIG });
  try {
    const subject = { port: broker.port, logDir };
    return await record(subject, scenario(subject));
  } catch (cause) {
    throw new Error(`the scenario could not be run; the broker printed:\n${broker.output()}`, { cause });
  } finally {
    await broker.end('SIGTERM');
  }
}
