// What every implementation of TreeSession must do, sentence by sentence. Run it with a tree that is empty each time.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { TreeError, type TreeErrorCode } from '../tree-error.ts';
import type { CreateMode, TreeConnector, TreeSession, WatchEvent } from '../tree-session.ts';

/** A tree under test. */
export interface TreeUnderTest extends TreeConnector {
  /** Makes the tree give the session up. */
  expire(session: TreeSession): Promise<void>;
  close(): Promise<void>;
}

type Body = (session: TreeSession, tree: TreeUnderTest) => Promise<void>;

const data = (text: string) => Buffer.from(text);

export function treeSessionSuite(name: string, makeTree: () => Promise<TreeUnderTest>): void {
  const it = (sentence: string, body: Body) =>
    test(sentence, async () => {
      const tree = await makeTree();
      try {
        await body(await tree.connect(), tree);
      } finally {
        await tree.close();
      }
    });
  describe(`${name}: nodes`, () => nodeTests(it));
  describe(`${name}: multi`, () => multiTests(it));
  describe(`${name}: watches`, () => watchTests(it));
  describe(`${name}: sessions`, () => sessionTests(it));
}

function nodeTests(it: (sentence: string, body: Body) => void): void {
  it('a created node has version 0 and equal creation and modification', async (session) => {
    const { path, stat } = await session.create('/a', data('x'));
    assert.equal(path, '/a');
    assert.equal(stat.czxid, stat.mzxid);
    assert.equal(stat.czxid, stat.pzxid);
    assert.equal(stat.ctimeMs, stat.mtimeMs);
    assert.deepEqual([stat.version, stat.cversion, stat.aversion, stat.ephemeralOwner], [0, 0, 0, 0n]);
    assert.deepEqual([stat.dataLength, stat.numChildren], [1, 0]);
  });

  it('null and empty data are told apart', async (session) => {
    await session.create('/null', null);
    await session.create('/empty', Buffer.alloc(0));
    assert.equal((await session.get('/null')).data, null);
    assert.equal((await session.get('/empty')).data?.length, 0);
  });

  it('a set raises version and mzxid and leaves czxid', async (session) => {
    const created = await session.create('/a', data('x'));
    const stat = await session.set('/a', data('yy'), 0);
    assert.equal(stat.version, 1);
    assert.equal(stat.dataLength, 2);
    assert.equal(stat.czxid, created.stat.czxid);
    assert.ok(stat.mzxid > created.stat.mzxid);
    assert.deepEqual((await session.get('/a')).data, data('yy'));
  });

  it('versions are compared before a set or delete, and -1 matches any', async (session) => {
    await session.create('/a', null);
    await session.set('/a', null, -1);
    await refuses(session.set('/a', null, 0), 'BADVERSION');
    await refuses(session.delete('/a', 0), 'BADVERSION');
    await session.delete('/a', 1);
    assert.equal(await session.exists('/a'), undefined);
  });

  it('creations and deletions of children count in cversion and pzxid of the parent', async (session) => {
    await session.create('/p', null);
    const { stat: one } = await session.create('/p/1', null);
    await session.create('/p/2', null);
    await session.delete('/p/1', -1);
    const { children, stat } = await session.children('/p');
    assert.deepEqual(children, ['2']);
    assert.equal(stat.cversion, 3);
    assert.equal(stat.numChildren, 1);
    assert.equal(stat.version, 0);
    assert.ok(stat.pzxid > one.czxid);
  });

  it('sequential names count creations of the parent, ten digits, and are never given twice', async (session) => {
    await session.create('/p', null);
    const first = await session.create('/p/n_', null, 'persistentSequential');
    await session.delete(first.path, -1);
    await session.create('/p/other', null);
    const second = await session.create('/p/n_', null, 'ephemeralSequential');
    const third = await session.create('/p/', null, 'persistentSequential');
    assert.deepEqual([first.path, second.path, third.path], ['/p/n_0000000000', '/p/n_0000000002', '/p/0000000003']);
  });

  const refusals: [sentence: string, path: string, mode: CreateMode, code: TreeErrorCode][] = [
    ['an existing path', '/a', 'persistent', 'NODEEXISTS'],
    ['a path without parent', '/no/such', 'persistent', 'NONODE'],
    ['a sequential path without parent', '/no/such', 'persistentSequential', 'NONODE'],
    ['a child of an ephemeral node', '/e/child', 'persistent', 'NOCHILDRENFOREPHEMERALS'],
    ['a relative path', 'a', 'persistent', 'BADARGUMENTS'],
    ['a path that ends in a slash', '/a/', 'persistent', 'BADARGUMENTS'],
    ['an empty name', '/a//b', 'persistent', 'BADARGUMENTS'],
    ['a dot', '/a/./b', 'persistent', 'BADARGUMENTS'],
    ['two dots', '/a/..', 'persistent', 'BADARGUMENTS'],
    ['a null character', '/a\0', 'persistent', 'BADARGUMENTS'],
    ['a control character', '/a\u007f', 'persistent', 'BADARGUMENTS'],
    ['a private use character', '/a\ue000', 'persistent', 'BADARGUMENTS'],
    ['the root', '/', 'persistent', 'NODEEXISTS'],
  ];
  for (const [sentence, path, mode, code] of refusals) {
    it(`refuses to create ${sentence}`, async (session) => {
      await session.create('/a', null);
      await session.create('/e', null, 'ephemeral');
      await refuses(session.create(path, null, mode), code);
      assert.deepEqual(
        (await session.children('/')).children.filter((child) => child !== 'zookeeper'),
        ['a', 'e'],
      );
    });
  }

  it('refuses to delete a node with children and a node that is not there', async (session) => {
    await session.create('/a', null);
    await session.create('/a/b', null);
    await refuses(session.delete('/a', -1), 'NOTEMPTY');
    await refuses(session.delete('/x', -1), 'NONODE');
    await refuses(session.delete('/', -1), 'BADARGUMENTS');
  });

  it('refuses to read what is not there, and answers that it does not exist', async (session) => {
    await refuses(session.get('/x'), 'NONODE');
    await refuses(session.children('/x'), 'NONODE');
    await refuses(session.set('/x', null, -1), 'NONODE');
    assert.equal(await session.exists('/x'), undefined);
  });

  it('names from the network are only names', async (session) => {
    await session.create('/__proto__', data('p'));
    await session.create('/__proto__/constructor', null);
    assert.deepEqual((await session.children('/__proto__')).children, ['constructor']);
    assert.deepEqual((await session.get('/__proto__')).data, data('p'));
  });

  it('keeps its own copy of data', async (session) => {
    const mine = data('abc');
    const created = session.create('/a', mine);
    mine.fill(0);
    await created;
    const { data: read } = await session.get('/a');
    assert.deepEqual(read, data('abc'));
    read?.fill(0);
    assert.deepEqual((await session.get('/a')).data, data('abc'));
  });

  it('carries the access control list it was given', async (session) => {
    const acl = [{ scheme: 'world', id: 'anyone', permissions: 31 }];
    await session.create('/a', null, 'persistent', acl);
    assert.deepEqual((await session.getAcl('/a')).acl, acl);
    await refuses(session.create('/b', null, 'persistent', []), 'INVALIDACL');
  });
}

function multiTests(it: (sentence: string, body: Body) => void): void {
  it('does all operations with one zxid, each seeing those before it', async (session) => {
    await session.create('/v', null);
    const results = await session.multi([
      { type: 'check', path: '/v', expectedVersion: 0 },
      { type: 'create', path: '/a', data: data('1') },
      { type: 'create', path: '/a/b', data: null },
      { type: 'set', path: '/a', data: data('2'), expectedVersion: 0 },
      { type: 'create', path: '/a/s_', data: null, mode: 'persistentSequential' },
      { type: 'delete', path: '/a/b', expectedVersion: 0 },
    ]);
    assert.deepEqual(
      results.map((result) => result.type),
      ['check', 'create', 'create', 'set', 'create', 'delete'],
    );
    assert.deepEqual((await session.children('/a')).children, ['s_0000000001']);
    const { stat } = await session.get('/a');
    assert.equal(stat.czxid, stat.mzxid);
    assert.equal(stat.version, 1);
  });

  it('leaves no trace of a failed multi and tells what became of each operation', async (session) => {
    await session.create('/a', data('old'));
    await session.create('/a/b', null);
    const before = await session.get('/a');
    const failure = await refuses(
      session.multi([
        { type: 'set', path: '/a', data: data('new'), expectedVersion: 0 },
        { type: 'delete', path: '/a/b', expectedVersion: 0 },
        { type: 'create', path: '/a/e', data: null, mode: 'ephemeral' },
        { type: 'check', path: '/a', expectedVersion: 7 },
        { type: 'create', path: '/c', data: null },
      ]),
      'BADVERSION',
    );
    assert.deepEqual(
      failure.results?.map((result) => (result.type === 'error' ? result.code : result.type)),
      ['OK', 'OK', 'OK', 'BADVERSION', 'RUNTIMEINCONSISTENCY'],
    );
    assert.deepEqual(await session.get('/a'), before);
    assert.deepEqual((await session.children('/a')).children, ['b']);
    assert.equal(await session.exists('/c'), undefined);
    await session.delete('/a/b', 0);
    await session.create('/a/e', null, 'ephemeral');
  });

  it('a failed multi fires no watch', async (session) => {
    const log: WatchEvent[] = [];
    await session.exists('/a', (event) => log.push(event));
    await refuses(
      session.multi([
        { type: 'create', path: '/a', data: null },
        { type: 'check', path: '/none', expectedVersion: -1 },
      ]),
      'NONODE',
    );
    await session.create('/b', null);
    assert.deepEqual(log, []);
  });
}

function watchTests(it: (sentence: string, body: Body) => void): void {
  it('a data watch fires once, for the first change after it', async (session) => {
    const log: string[] = [];
    await session.create('/a', null);
    await session.get('/a', ({ type, path }) => log.push(`${type} ${path}`));
    await session.set('/a', null, -1);
    await session.set('/a', null, -1);
    await turn();
    assert.deepEqual(log, ['nodeDataChanged /a']);
  });

  it('an exists watch hears of creation, of data and of deletion', async (session) => {
    const log: string[] = [];
    const watcher = ({ type }: WatchEvent) => log.push(type);
    await session.exists('/a', watcher);
    await session.create('/a', null);
    await session.exists('/a', watcher);
    await session.set('/a', null, -1);
    await session.exists('/a', watcher);
    await session.delete('/a', -1);
    await turn();
    assert.deepEqual(log, ['nodeCreated', 'nodeDataChanged', 'nodeDeleted']);
  });

  it('a children watch hears of children, not of their data nor of grandchildren', async (session) => {
    const log: string[] = [];
    await session.create('/p', null);
    await session.create('/p/c', null);
    await session.children('/p', ({ type, path }) => log.push(`${type} ${path}`));
    await session.set('/p/c', data('x'), -1);
    await session.create('/p/c/d', null);
    await turn();
    assert.deepEqual(log, []);
    await session.create('/p/e', null);
    await turn();
    assert.deepEqual(log, ['nodeChildrenChanged /p']);
  });

  it('one function watching data and children of a node hears of its deletion once', async (session) => {
    const log: string[] = [];
    const watcher = ({ type }: WatchEvent) => log.push(type);
    await session.create('/p', null);
    await session.get('/p', watcher);
    await session.children('/p', watcher);
    await session.exists('/p', watcher);
    await session.delete('/p', -1);
    await turn();
    assert.deepEqual(log, ['nodeDeleted']);
  });

  it('a read that failed watches nothing', async (session) => {
    const log: WatchEvent[] = [];
    await refuses(
      session.get('/a', (event) => log.push(event)),
      'NONODE',
    );
    await session.create('/a', null);
    await turn();
    assert.deepEqual(log, []);
  });

  it('an event comes after the reply that set the watch and before a reply that shows the change', async (session, tree) => {
    const other = await tree.connect();
    const log: string[] = [];
    await session.create('/a', data('1'));
    const first = session.get('/a', () => log.push('event')).then((found) => log.push(`first ${found.data}`));
    const write = other.set('/a', data('2'), -1).then(() => log.push('written'));
    const second = session.get('/a').then((found) => log.push(`second ${found.data}`));
    await Promise.all([first, write, second]);
    assert.deepEqual(
      log.filter((line) => line !== 'written'),
      ['first 1', 'event', 'second 2'],
    );
  });

  it('events of one session come in the order of the changes', async (session) => {
    const log: string[] = [];
    const watcher = ({ type, path }: WatchEvent) => log.push(`${type} ${path}`);
    for (const path of ['/a', '/b', '/c']) await session.exists(path, watcher);
    await Promise.all(['/c', '/a', '/b'].map((path) => session.create(path, null)));
    await turn();
    assert.deepEqual(log, ['nodeCreated /c', 'nodeCreated /a', 'nodeCreated /b']);
  });

  it('replies come in the order of the requests', async (session) => {
    const log: number[] = [];
    const requests = Array.from({ length: 20 }, (_, i) =>
      (i % 2 === 0 ? session.create(`/n${i}`, null) : session.exists('/n0')).then(() => log.push(i)),
    );
    await Promise.all(requests);
    assert.deepEqual(
      log,
      [...log].sort((a, b) => a - b),
    );
  });
}

function sessionTests(it: (sentence: string, body: Body) => void): void {
  it('an ephemeral node belongs to its session and goes with it', async (session, tree) => {
    const other = await tree.connect();
    const { stat } = await session.create('/e', null, 'ephemeral');
    assert.equal(stat.ephemeralOwner, session.sessionId);
    assert.notEqual(other.sessionId, session.sessionId);
    assert.notEqual(await other.exists('/e'), undefined);
    await session.close();
    assert.equal(session.state, 'closed');
    assert.equal(await other.exists('/e'), undefined);
  });

  it('an expired session loses its ephemerals, hears of it and answers SESSIONEXPIRED', async (session, tree) => {
    const other = await tree.connect();
    const log: string[] = [];
    session.onExpired = () => log.push('expired');
    await session.create('/p', null);
    await session.create('/p/e1', null, 'ephemeral');
    await session.create('/p/e2', null, 'ephemeralSequential');
    await other.exists('/p/e1', ({ type }) => log.push(type));
    await tree.expire(session);
    await turn();
    assert.equal(session.state, 'expired');
    assert.deepEqual(log.sort(), ['expired', 'nodeDeleted']);
    assert.deepEqual((await other.children('/p')).children, []);
    await refuses(session.get('/p'), 'SESSIONEXPIRED');
    await refuses(session.create('/q', null), 'SESSIONEXPIRED');
  });

  it('a session that ended hears of nothing more', async (session, tree) => {
    const other = await tree.connect();
    const log: WatchEvent[] = [];
    await session.exists('/a', (event) => log.push(event));
    await session.close();
    await other.create('/a', null);
    await turn();
    assert.deepEqual(log, []);
  });

  it('may be closed twice, and is then not called expired', async (session) => {
    let expiries = 0;
    session.onExpired = () => expiries++;
    await Promise.all([session.close(), session.close()]);
    await session.close();
    await turn();
    assert.equal(expiries, 0);
  });
}

async function refuses(promise: Promise<unknown>, code: TreeErrorCode): Promise<TreeError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof TreeError, `expected ${code}, got ${String(error)}`);
  assert.equal(error.code, code);
  return error;
}

/** Lets events that are on their way arrive. */
async function turn(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
