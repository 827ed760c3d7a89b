// The log directories in KAFKA_FACTS that Apache Kafka wrote, and what a consumer of that Kafka read from them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ByteReader, Errors, type TopicPartition } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { offsetCommitKey, offsetCommitValue } from '@ottla/protocol';
import { batchesIn, type KafkaRecord } from '@ottla/records';
import { projectRoot } from './broker-process.ts';
import { temporaryDirectory } from './test-broker.ts';
import { untilReady } from './transactions.ts';
import { committedOffset, findCoordinatorOf } from './wire.ts';

const facts = process.env.KAFKA_FACTS ?? join(projectRoot, '../shared/kafka');
const logDirs = join(facts, 'log-dirs');

/** What to hand to `test` as `skip`. */
export const skipWithoutGoldenLogDirs =
  existsSync(logDirs) || process.env.CI === 'true' ? false : `no golden log dirs in ${logDirs}`;

export const GOLDEN_LOG_DIRS = [
  ['2.8', 'kafka-2.8-clean-shutdown'],
  ['2.8', 'kafka-2.8-no-shutdown'],
  ['3.9', 'kafka-3.9-clean-shutdown'],
] as const;
export type GoldenVersion = (typeof GOLDEN_LOG_DIRS)[number][0];
export type GoldenArchive = (typeof GOLDEN_LOG_DIRS)[number][1];

/** A broker opens them with these; their records are from 2023. */
export const GOLDEN_CONFIG = {
  'log.retention.ms': '-1',
  'offsets.topic.num.partitions': '4',
  'transaction.state.log.num.partitions': '4',
  // The open transaction is old, and must not be aborted meanwhile, however long that takes.
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '3600000',
};

const RETENTION = /"retention\.ms":"\d+"/;

export const ISOLATIONS = ['read_uncommitted', 'read_committed'] as const;
export type Isolation = (typeof ISOLATIONS)[number];

/** [offset, timestamp, key, value, …headers] */
export type Row = readonly (number | string | null)[];

export interface ExpectedPartition {
  readonly start: number;
  readonly end: number;
  readonly records: readonly Row[];
}
/** By name of the partition, plain-0. */
export type Expected = Record<Isolation, Record<string, ExpectedPartition>>;

export function readExpected(version: GoldenVersion): Expected {
  return JSON.parse(readFileSync(join(logDirs, `expected-${version}.json`), 'utf8'));
}

/** @returns a log dir that goes with the test */
export function unpack(t: TestContext, archive: GoldenArchive): string {
  const scratch = temporaryDirectory(t, 'golden');
  execFileSync('tar', ['xzf', join(logDirs, `${archive}.tgz`), '-C', scratch]);
  return join(scratch, archive);
}

/** The persistent znodes of the cluster that wrote the directories, parents first: by path, / excepted, the data. Only what topics say of
 *  retention is changed: their records are too old for it. */
export function readGoldenZnodes(version: GoldenVersion): Map<string, string | null> {
  const lines = readFileSync(join(facts, 'zookeeper', `znodes-${version}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
  const znodes: { path: string; data: string | null; ephemeral?: boolean }[] = lines.map((line) => JSON.parse(line));
  const persistent = znodes.filter(({ path, ephemeral }) => path !== '/' && !ephemeral);
  return new Map(persistent.map(({ path, data }) => [path, data?.replace(RETENTION, '"retention.ms":"-1"') ?? null]));
}

export function toRow({ offset, timestamp, key, value, headers }: KafkaRecord): Row {
  const text = headers.map((header) => `${header.key}=${header.value}`);
  return [offset, timestamp, key?.toString() ?? null, value?.toString() ?? null, ...text];
}

export function toTopicPartition(name: string): TopicPartition {
  const dash = name.lastIndexOf('-');
  return { topic: name.slice(0, dash), partition: Number(name.slice(dash + 1)) };
}

export interface CommittedOffset {
  readonly group: string;
  readonly tp: TopicPartition;
  readonly offset: number;
}

/** What the groups' log says, read without a broker. */
export function offsetsIn(directory: string): CommittedOffset[] {
  const found = new Map<string, CommittedOffset>();
  for (const name of readdirSync(directory).filter((each) => each.startsWith('__consumer_offsets-'))) {
    for (const file of readdirSync(join(directory, name)).filter((each) => each.endsWith('.log'))) {
      for (const batch of batchesIn(readFileSync(join(directory, name, file)))) {
        for (const { key, value } of batch.records()) if (key && value) noteOffset(key, value, found);
      }
    }
  }
  return [...found.values()];
}

function noteOffset(key: Buffer, value: Buffer, into: Map<string, CommittedOffset>): void {
  if (key.readInt16BE(0) > 1) return;
  const { group, topic, partition } = offsetCommitKey.read(new ByteReader(key.subarray(2)), key.readInt16BE(0));
  const { offset } = offsetCommitValue.read(new ByteReader(value.subarray(2)), value.readInt16BE(0));
  into.set(key.toString('hex'), { group, tp: { topic, partition }, offset });
}

export async function assertOffsets(client: RequestClient, offsets: readonly CommittedOffset[]): Promise<void> {
  for (const { group, tp, offset } of offsets) {
    let found: number | undefined;
    await untilReady(async () => {
      found = await committedOffset(client, group, tp);
      return found === undefined
        ? findCoordinatorOf(client, group, 'group').then((code) => code || Errors.COORDINATOR_NOT_AVAILABLE)
        : 0;
    });
    assert.equal(found, offset, `${group} at ${tp.topic}-${tp.partition}`);
  }
}
