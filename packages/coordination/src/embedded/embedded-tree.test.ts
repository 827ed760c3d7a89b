// The port's suite over the embedded tree, and what only this implementation does: survive on disk.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FakeClock, MemoryFileSystem } from '@ottla/base';
import { treeSessionSuite } from '../testing/tree-session-suite.ts';
import { TreeError } from '../tree-error.ts';
import { TreeFormatError } from '../tree-transaction.ts';
import { EmbeddedTree } from './embedded-tree.ts';
import { SegmentJournal, TREE_JOURNAL_DIRECTORY } from './segment-journal.ts';

const DIRECTORY = `/data/${TREE_JOURNAL_DIRECTORY}`;
const SEGMENT = `${DIRECTORY}/00000000000000000000.log`;

treeSessionSuite('embedded tree in memory', async () => {
  const tree = new EmbeddedTree({ clock: new FakeClock() });
  await tree.start();
  return tree;
});

treeSessionSuite('embedded tree with a journal', () => openTree(diskWithData()));

function diskWithData(): MemoryFileSystem {
  const fileSystem = new MemoryFileSystem();
  fileSystem.makeDirectorySync('/data');
  fileSystem.syncDirectorySync('/');
  return fileSystem;
}

async function openTree(
  fileSystem: MemoryFileSystem,
  options: { clock?: FakeClock; snapshotBytesMin?: number } = {},
): Promise<EmbeddedTree> {
  const { clock = new FakeClock(), snapshotBytesMin = 10_000 } = options;
  const journal = new SegmentJournal({ fileSystem, directory: DIRECTORY });
  const tree = new EmbeddedTree({ clock, journal, snapshotBytesMin });
  await tree.start();
  return tree;
}

/** The journal as a crash would leave it now. */
function copyOf(fileSystem: MemoryFileSystem): MemoryFileSystem {
  const copy = diskWithData();
  copy.makeDirectorySync(DIRECTORY);
  for (const name of fileSystem.readDirectorySync(DIRECTORY)) {
    const path = `${DIRECTORY}/${name}`;
    copy.openSync(path, 'create').writeSync(fileSystem.readFileSync(path), 0);
  }
  return copy;
}

/** Every path with its data, version and owner. */
async function contents(tree: EmbeddedTree): Promise<string[]> {
  const session = await tree.connect();
  const lines: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const { data, stat } = await session.get(path);
    lines.push(`${path} ${data?.toString('base64') ?? 'null'} v${stat.version} c${stat.cversion} z${stat.mzxid}`);
    for (const child of (await session.children(path)).children) await visit(`${path === '/' ? '' : path}/${child}`);
  };
  await visit('/');
  await session.close();
  return lines;
}

describe('journal of the embedded tree', () => {
  test('what was answered survives a killed process, the ephemerals of its sessions do not', async () => {
    const disk = diskWithData();
    const session = await (await openTree(disk)).connect();
    await session.create('/a', Buffer.from([0xff, 0, 0x80]));
    await session.create('/a/n_', Buffer.from('€'), 'persistentSequential');
    await session.create('/a/e', null, 'ephemeral');
    await session.set('/a', Buffer.from('text'), 0);
    const { stat } = await session.get('/a');
    const next = await openTree(disk.restart());
    const after = await next.connect();
    assert.deepEqual((await after.children('/a')).children, ['n_0000000000']);
    const found = await after.get('/a');
    assert.deepEqual(found.data, Buffer.from('text'));
    assert.equal(found.stat.mzxid, stat.mzxid);
    assert.deepEqual((await after.get('/a/n_0000000000')).data, Buffer.from('€'));
    const { path, stat: newer } = await after.create('/a/n_', null, 'persistentSequential');
    assert.equal(path, '/a/n_0000000002');
    assert.ok(newer.czxid > stat.mzxid);
  });

  test('what was answered survives a power loss', async () => {
    const disk = diskWithData();
    const session = await (await openTree(disk)).connect();
    await session.create('/a', Buffer.from('1'));
    const after = await (await openTree(disk.losePower())).connect();
    assert.deepEqual((await after.get('/a')).data, Buffer.from('1'));
  });

  test('cut at any byte, the longest whole run of transactions is left, and the next start changes nothing', async () => {
    const disk = diskWithData();
    const tree = await openTree(disk);
    const session = await tree.connect();
    const stages: { sizeInBytes: number; contents: string[] }[] = [];
    const stage = async () => {
      stages.push({ sizeInBytes: disk.readFileSync(SEGMENT).length, contents: await contents(tree) });
    };
    await stage();
    await session.create('/a', Buffer.from('1'));
    await stage();
    await session.multi([
      { type: 'set', path: '/a', data: Buffer.from('2'), expectedVersion: 0 },
      { type: 'create', path: '/a/b', data: null },
    ]);
    await stage();
    await session.delete('/a/b', -1);
    await stage();
    const bytes = disk.readFileSync(SEGMENT);
    const first = stages[0]?.sizeInBytes ?? 0;
    for (let cut = first; cut <= bytes.length; cut++) {
      const torn = diskWithData();
      torn.makeDirectorySync(DIRECTORY);
      const file = torn.openSync(SEGMENT, 'create');
      file.writeSync(bytes.subarray(0, cut), 0);
      file.closeSync();
      const expected = stages.findLast((candidate) => candidate.sizeInBytes <= cut);
      const opened = await openTree(torn);
      assert.deepEqual(await contents(opened), expected?.contents, `cut at ${cut}`);
      await opened.close();
      const afterFirst = torn.readFileSync(SEGMENT);
      assert.equal(afterFirst.length, expected?.sizeInBytes);
      await (await openTree(torn)).close();
      assert.deepEqual(torn.readFileSync(SEGMENT), afterFirst);
    }
  });

  test('a flipped byte with sound transactions after it is refused, not cut off', async () => {
    const disk = diskWithData();
    const tree = await openTree(disk);
    const session = await tree.connect();
    const start = disk.readFileSync(SEGMENT).length;
    await session.create('/a', Buffer.from('1'));
    await session.create('/b', Buffer.from('1'));
    await tree.close();
    const file = disk.openSync(SEGMENT, 'read-write');
    const byte = Buffer.alloc(1);
    file.readSync(byte, 0, 1, start + 70);
    file.writeSync(Buffer.from([(byte[0] ?? 0) ^ 1]), start + 70);
    file.closeSync();
    await assert.rejects(openTree(disk), TreeFormatError);
  });

  test('a long journal is replaced by a snapshot that holds the same tree', async () => {
    const disk = diskWithData();
    const tree = await openTree(disk);
    const session = await tree.connect();
    await session.create('/a', null);
    for (let i = 0; i < 40; i++) await session.set('/a', Buffer.alloc(1000, i), -1);
    const names = disk.readDirectorySync(DIRECTORY);
    assert.equal(names.length, 1);
    assert.notEqual(names[0], '00000000000000000000.log');
    assert.ok(disk.readFileSync(`${DIRECTORY}/${names[0]}`).length < 25_000);
    const before = await contents(tree);
    assert.deepEqual(await contents(await openTree(disk.restart())), before);
  });

  test('stopped at any step of a snapshot, the tree is whole afterwards', async () => {
    for (let steps = 0; steps < 60; steps++) {
      const disk = diskWithData();
      const session = await (await openTree(disk)).connect();
      await session.create('/a', null);
      const big = Buffer.alloc(6000, 7);
      await session.set('/a', big, -1);
      disk.stopAfterSteps(steps, { tearsWrite: true });
      let acknowledged = 1;
      try {
        for (; acknowledged < 6; acknowledged++) await session.set('/a', big, -1);
      } catch (error) {
        assert.ok(error instanceof TreeError);
        assert.equal(error.code, 'CONNECTIONLOSS');
      }
      const after = await (await openTree(disk.losePower())).connect();
      const { stat } = await after.get('/a');
      assert.ok(stat.version >= acknowledged, `after ${steps} steps version ${stat.version} of ${acknowledged}`);
    }
  });

  test('writes wait for space in their order, reads behind them too, and nothing is lost or half done', async () => {
    const disk = diskWithData();
    const clock = new FakeClock();
    const tree = await openTree(disk, { clock });
    const session = await tree.connect();
    await session.create('/a', Buffer.from('0'));
    const heard: string[] = [];
    await session.get('/a', ({ type }) => heard.push(type));
    const before = disk.readFileSync(SEGMENT);
    disk.refuseSpaceOf = () => true;
    const answers: string[] = [];
    const set = session.set('/a', Buffer.from('1'), 0).then(() => answers.push('set'));
    const create = session.create('/a/b', null).then(() => answers.push('create'));
    const read = session.get('/a').then(({ data }) => answers.push(`get ${data}`));
    for (let i = 0; i < 5; i++) await clock.advance(500);
    assert.deepEqual([answers, heard], [[], []]);
    assert.deepEqual(disk.readFileSync(SEGMENT), before);
    const crashed = await (await openTree(copyOf(disk))).connect();
    assert.deepEqual((await crashed.get('/a')).data, Buffer.from('0'));
    disk.refuseSpaceOf = () => false;
    await clock.advance(500);
    await Promise.all([set, create, read]);
    assert.deepEqual(answers, ['set', 'create', 'get 1']);
    const after = await (await openTree(disk.losePower())).connect();
    assert.deepEqual((await after.children('/a')).children, ['b']);
  });

  test('who stops does not wait for space: what waits fails as with a disk that died', async () => {
    const disk = diskWithData();
    const clock = new FakeClock();
    const tree = await openTree(disk, { clock });
    const session = await tree.connect();
    await session.create('/a', null);
    disk.refuseSpaceOf = () => true;
    const refused = assert.rejects(session.set('/a', Buffer.from('1'), 0), { code: 'CONNECTIONLOSS' });
    await clock.advance(500);
    const closed = tree.close();
    await clock.advance(500);
    await closed;
    await refused;
    const after = await (await openTree(disk.restart())).connect();
    assert.equal((await after.get('/a')).data, null);
  });

  test('a snapshot that finds no space is left out and written later', async () => {
    const disk = diskWithData();
    const tree = await openTree(disk, { snapshotBytesMin: 2000 });
    const session = await tree.connect();
    await session.create('/a', null);
    disk.refuseSpaceOf = (path) => path.endsWith('.cleaned');
    for (let i = 0; i < 30; i++) await session.set('/a', Buffer.from('x'.repeat(100)), -1);
    assert.deepEqual(disk.readDirectorySync(DIRECTORY), [SEGMENT.slice(DIRECTORY.length + 1)]);
    disk.refuseSpaceOf = () => false;
    for (let i = 0; i < 30; i++) await session.set('/a', Buffer.from('y'.repeat(100)), -1);
    assert.notDeepEqual(disk.readDirectorySync(DIRECTORY), [SEGMENT.slice(DIRECTORY.length + 1)]);
    const after = await (await openTree(disk.restart())).connect();
    const { data, stat } = await after.get('/a');
    assert.deepEqual([data?.length, stat.version], [100, 60]);
  });

  test('a failed sync ends every session: memory may be ahead of the disk', async () => {
    const disk = diskWithData();
    const tree = await openTree(disk);
    const session = await tree.connect();
    let expiries = 0;
    session.onExpired = () => expiries++;
    disk.failSyncOf = () => true;
    await assert.rejects(session.create('/a', null), { code: 'CONNECTIONLOSS' });
    await assert.rejects(session.exists('/a'), { code: 'CONNECTIONLOSS' });
    await assert.rejects(tree.connect(), { code: 'CONNECTIONLOSS' });
    assert.equal(expiries, 1);
  });

  test('refuses data that would not fit a ZooKeeper packet', async () => {
    const tree = new EmbeddedTree({ clock: new FakeClock() });
    await tree.start();
    const session = await tree.connect();
    await session.create('/a', Buffer.alloc(0xfffff));
    await assert.rejects(session.create('/b', Buffer.alloc(0x100000)), { code: 'BADARGUMENTS' });
  });
});
