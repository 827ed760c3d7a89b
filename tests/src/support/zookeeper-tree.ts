// Puts a tree of znodes into a real ZooKeeper, with ZooKeeper's own shell, for a Kafka that is to open our log directories: the tree that our
// broker kept in them, or the one that Kafka had before, with what has changed since.

import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { NodeFileSystem, SystemClock } from '@ottla/base';
import {
  ControllerEpochZNode,
  EmbeddedTree,
  ProducerIdBlockZNode,
  SegmentJournal,
  TopicsZNode,
  TREE_JOURNAL_DIRECTORY,
  type TreeSession,
} from '@ottla/coordination';
import { type ReferenceProcess, runKafkaClass } from './reference-kafka.ts';
import { temporaryDirectory } from './test-broker.ts';

/** By path, / excepted, parents first: the data. */
export type ZnodeData = ReadonlyMap<string, string | null>;

/** The persistent znodes that a stopped broker left in `logDir`. Reads a copy, since opening a tree writes to it. */
export async function znodesOf(t: TestContext, logDir: string): Promise<ZnodeData> {
  const directory = join(temporaryDirectory(t, 'tree'), TREE_JOURNAL_DIRECTORY);
  cpSync(join(logDir, TREE_JOURNAL_DIRECTORY), directory, { recursive: true });
  const journal = new SegmentJournal({ fileSystem: new NodeFileSystem(), directory });
  const tree = new EmbeddedTree({ clock: new SystemClock(), journal });
  await tree.start();
  const found = new Map<string, string | null>();
  await collect(await tree.connect(), '/', found);
  await tree.close();
  return found;
}

async function collect(session: TreeSession, parent: string, into: Map<string, string | null>): Promise<void> {
  for (const name of (await session.children(parent)).children) {
    const path = parent === '/' ? `/${name}` : `${parent}/${name}`;
    into.set(path, (await session.get(path)).data?.toString() ?? null);
    await collect(session, path, into);
  }
}

/** `before` with the leaders, leader epochs, topic ids and producer ids of `ours`: none of them may start over. */
export function broughtUpToDate(before: ZnodeData, ours: ZnodeData): ZnodeData {
  const moved = [TopicsZNode.path, ControllerEpochZNode.path, ProducerIdBlockZNode.path];
  const changed = [...ours].filter(([path]) => moved.some((each) => path === each || path.startsWith(`${each}/`)));
  return new Map([...before, ...changed]);
}

/** `znodes` after each partition's leader was elected a few times more. */
export function afterElections(znodes: ZnodeData): ZnodeData {
  const later = (_: string, epoch: string): string => `"leader_epoch":${Number(epoch) + 3}`;
  return new Map([...znodes].map(([path, data]) => [path, data?.replace(/"leader_epoch":(\d+)/, later) ?? null]));
}

/** Creates `chroot` with `znodes` in it. */
export async function createZnodes(zooKeeper: ReferenceProcess, chroot: string, znodes: ZnodeData): Promise<void> {
  const lines = [...znodes].map(([path, data]) => `create ${chroot}${path} ${data ?? ''}`);
  const shell = ['org.apache.zookeeper.ZooKeeperMain', '-server', `127.0.0.1:${zooKeeper.port}`];
  const { stderr } = await runKafkaClass('3.9.1', shell, `create ${chroot}\n${lines.join('\n')}\n`);
  // It says what it did and what it could not do among its errors.
  const created = stderr.match(/^Created /gm)?.length ?? 0;
  assert.equal(created, znodes.size + 1, `znodes that ZooKeeper has\n${stderr}`);
}
