import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import type * as fs from 'node:fs';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { FakeClock } from './fake-clock.ts';
import { type FileSystem, NoSpaceError, StorageError } from './file-system.ts';
import { GatheringFileSystem } from './gathering-file-system.ts';
import { MemoryFileSystem } from './memory-file-system.ts';
import { NodeFileSystem } from './node-file-system.ts';

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof StorageError && error.code === code;
}

function portSuite(name: string, make: () => { fileSystem: FileSystem; root: string }): void {
  describe(name, () => {
    let fileSystem: FileSystem;
    let root: string;
    before(() => {
      ({ fileSystem, root } = make());
      fileSystem.makeDirectorySync(root);
    });

    test('writes land at their position and a hole reads as zeroes', () => {
      const file = fileSystem.openSync(join(root, 'holes'), 'read-write');
      file.writeSync(Buffer.from('abc'), 5000);
      file.writevSync([Buffer.from('d'), Buffer.alloc(0), Buffer.from('ef')], 5003);
      const bytes = Buffer.alloc(10);
      assert.equal(file.readSync(bytes, 1, 9, 4998), 8);
      assert.equal(bytes.toString('latin1'), '\0\0\0abcdef\0');
      assert.equal(file.sizeSync(), 5006);
      assert.equal(file.readSync(bytes, 0, 10, 6000), 0);
      file.closeSync();
      file.closeSync();
      assert.throws(() => file.sizeSync(), hasCode('EBADF'));
    });

    test('more buffers than the system takes at once are all written', () => {
      const file = fileSystem.openSync(join(root, 'many'), 'create');
      file.writevSync(
        Array.from({ length: 2500 }, (_, i) => Buffer.from([i & 0xff, i >> 8])),
        0,
      );
      const bytes = fileSystem.readFileSync(join(root, 'many'));
      assert.equal(bytes.length, 5000);
      for (let i = 0; i < 2500; i++) assert.equal(bytes.readUInt16LE(2 * i), i);
      file.closeSync();
    });

    test('a truncated file that grows again holds zeroes', () => {
      const file = fileSystem.openSync(join(root, 'cut'), 'read-write');
      file.writeSync(Buffer.alloc(9000, 7), 0);
      file.truncateSync(5000);
      file.truncateSync(9000);
      const bytes = fileSystem.readFileSync(join(root, 'cut'));
      assert.equal(bytes.lastIndexOf(7), 4999);
      assert.equal(bytes.length, 9000);
      file.closeSync();
    });

    test('open modes say what they need', () => {
      assert.throws(() => fileSystem.openSync(join(root, 'absent'), 'read'), hasCode('ENOENT'));
      fileSystem.openSync(join(root, 'once'), 'create').closeSync();
      assert.throws(() => fileSystem.openSync(join(root, 'once'), 'create'), hasCode('EEXIST'));
      const file = fileSystem.openSync(join(root, 'once'), 'read');
      assert.throws(() => file.writeSync(Buffer.from('x'), 0), hasCode('EBADF'));
      file.closeSync();
    });

    test('an unlinked or replaced file stays readable for who has it open', () => {
      const file = fileSystem.openSync(join(root, 'old'), 'read-write');
      file.writeSync(Buffer.from('old'), 0);
      const other = fileSystem.openSync(join(root, 'new'), 'read-write');
      other.writeSync(Buffer.from('new'), 0);
      fileSystem.renameSync(join(root, 'new'), join(root, 'old'));
      assert.equal(fileSystem.readFileSync(join(root, 'old')).toString(), 'new');
      const bytes = Buffer.alloc(3);
      file.readSync(bytes, 0, 3, 0);
      assert.equal(bytes.toString(), 'old');
      assert.equal(fileSystem.removeFileSync(join(root, 'old')), true);
      assert.equal(fileSystem.removeFileSync(join(root, 'old')), false);
      assert.equal(fileSystem.removeFileSync(join(root, 'absent', 'old')), false);
      file.closeSync();
      other.closeSync();
    });

    test('directories list sorted names and go away with all they hold', () => {
      fileSystem.makeDirectorySync(join(root, 'tree', 'b', 'c'));
      fileSystem.makeDirectorySync(join(root, 'tree', 'b'));
      fileSystem.openSync(join(root, 'tree', 'a'), 'create').closeSync();
      assert.deepEqual(fileSystem.readDirectorySync(join(root, 'tree')), ['a', 'b']);
      assert.equal(fileSystem.statSync(join(root, 'tree', 'b'))?.isDirectory, true);
      fileSystem.syncDirectorySync(join(root, 'tree'));
      fileSystem.removeDirectorySync(join(root, 'tree'));
      fileSystem.removeDirectorySync(join(root, 'tree'));
      assert.equal(fileSystem.statSync(join(root, 'tree')), undefined);
      assert.throws(() => fileSystem.readDirectorySync(join(root, 'tree')), hasCode('ENOENT'));
    });

    test('off the loop, files and directories go the same way', async () => {
      fileSystem.makeDirectorySync(join(root, 'away', 'deep'));
      fileSystem.openSync(join(root, 'away', 'deep', 'a'), 'create').closeSync();
      fileSystem.openSync(join(root, 'away', 'b'), 'create').closeSync();
      assert.equal(await fileSystem.removeFile(join(root, 'away', 'b')), true);
      assert.equal(await fileSystem.removeFile(join(root, 'away', 'b')), false);
      await fileSystem.removeDirectory(join(root, 'away'));
      await fileSystem.removeDirectory(join(root, 'away'));
      assert.equal(fileSystem.statSync(join(root, 'away')), undefined);
    });

    test('a sync finishes on a file that is closed meanwhile', async () => {
      const file = fileSystem.openSync(join(root, 'synced'), 'create');
      file.writeSync(Buffer.from('x'), 0);
      const synced = file.sync();
      file.closeSync();
      await synced;
      await assert.rejects(file.sync(), hasCode('EBADF'));
      await fileSystem.syncDirectory(root);
    });

    test('reads off the loop find what is there, and finish on a file that is closed meanwhile', async () => {
      const file = fileSystem.openSync(join(root, 'cold'), 'create');
      file.writeSync(Buffer.from('abcdef'), 0);
      const bytes = Buffer.alloc(4);
      assert.equal(await file.read(bytes, 1), 4);
      assert.equal(bytes.toString(), 'bcde');
      assert.equal(await file.read(bytes, 4), 2);
      assert.equal(await file.read(bytes, 6), 0);
      const reading = file.read(bytes, 0);
      file.closeSync();
      assert.equal(await reading, 4);
      await assert.rejects(file.read(bytes, 0), hasCode('EBADF'));
    });

    test('a directory is locked once, and again after its release', () => {
      fileSystem.makeDirectorySync(join(root, 'locked'));
      const lock = fileSystem.lockDirectorySync(join(root, 'locked'));
      assert.ok(lock !== undefined);
      assert.equal(fileSystem.lockDirectorySync(join(root, 'locked')), undefined);
      lock.releaseSync();
      lock.releaseSync();
      const again = fileSystem.lockDirectorySync(join(root, 'locked'));
      assert.ok(again !== undefined);
      lock.releaseSync();
      assert.equal(
        fileSystem.lockDirectorySync(join(root, 'locked')),
        undefined,
        'an old lock does not free a new one',
      );
      again.releaseSync();
    });

    test('a volume has room', () => {
      const volume = fileSystem.volumeSync(root);
      assert.ok(volume.usableBytes > 0 && volume.usableBytes <= volume.totalBytes);
    });

    test('what was just written is read without a disk', () => {
      const file = fileSystem.openSync(join(root, 'warm'), 'create');
      file.writeSync(Buffer.alloc(4096, 1), 0);
      const isUncounted = () => {
        const before = fileSystem.diskReads();
        file.readSync(Buffer.alloc(4096), 0, 4096, 0);
        return fileSystem.diskReads() === before;
      };
      // Parts of the program itself may come from the disk meanwhile.
      const isAnyUncounted = Array.from({ length: 10 }, isUncounted).includes(true);
      file.closeSync();
      assert.ok(isAnyUncounted || Number.isNaN(fileSystem.diskReads()));
    });
  });
}

portSuite('MemoryFileSystem', () => ({ fileSystem: new MemoryFileSystem(), root: '/root' }));

const temporary = mkdtempSync(join(tmpdir(), 'ottla-fs-'));
after(() => rmSync(temporary, { recursive: true, force: true }));
portSuite('NodeFileSystem', () => ({ fileSystem: new NodeFileSystem(), root: join(temporary, 'port') }));
portSuite('GatheringFileSystem', () => ({
  fileSystem: new GatheringFileSystem(new NodeFileSystem(), {
    clock: new FakeClock(),
    onFailure: (error) => assert.fail(error),
  }),
  root: join(temporary, 'gathering'),
}));

describe('the lock file of NodeFileSystem', () => {
  const system = new NodeFileSystem();

  function directory(name: string, lockText?: string): string {
    const path = join(temporary, name);
    system.makeDirectorySync(path);
    if (lockText !== undefined) writeFileSync(join(path, '.lock'), lockText);
    return path;
  }

  for (const [what, text] of [
    ['empty, as Kafka leaves it', ''],
    ['torn', '{"pid":1'],
    ['of a process that is gone', '{"pid":2147483646,"started":""}'],
    ['of a process whose id was given to another', `{"pid":${process.pid},"started":"another-boot/1"}`],
  ] as const) {
    const counts = what.includes('another') && process.platform !== 'linux' ? 'skipped' : 'free';
    test(`a file ${what} is ${counts}`, { skip: counts === 'skipped' }, () => {
      const path = directory(`stale-${text.length}`, text);
      const lock = system.lockDirectorySync(path);
      assert.ok(lock !== undefined);
      assert.equal(system.lockDirectorySync(path), undefined);
      lock.releaseSync();
      assert.equal(existsSync(join(path, '.lock')), false);
      assert.deepEqual(system.readDirectorySync(path), []);
    });
  }

  test('another process cannot take it while we live, and we can after it died', () => {
    const path = directory('contended');
    const module = new URL('./node-file-system.js', import.meta.url).href;
    const script = `const { NodeFileSystem } = await import(${JSON.stringify(module)});
      console.log(new NodeFileSystem().lockDirectorySync(${JSON.stringify(path)}) === undefined ? 'refused' : 'taken');`;
    const run = () =>
      spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' }).stdout.trim();
    const lock = system.lockDirectorySync(path);
    assert.equal(run(), 'refused');
    lock?.releaseSync();
    assert.equal(run(), 'taken');
    assert.ok(existsSync(join(path, '.lock')), 'the dead process left its file');
    const taken = system.lockDirectorySync(path);
    assert.ok(taken !== undefined);
    taken.releaseSync();
  });
});

test('a disk that does not answer leaves a thread of the four, and reads go on', {
  skip: process.env.UV_THREADPOOL_SIZE !== undefined && 'another number of threads',
}, async (t) => {
  const module: typeof fs = createRequire(import.meta.url)('node:fs');
  const held: fs.NoParamCallback[] = [];
  t.mock.method(module, 'fdatasync', (_: number, done: fs.NoParamCallback) => held.push(done));
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  const directory = mkdtempSync(join(tmpdir(), 'ottla-syncs-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const system = new NodeFileSystem();
  const files = Array.from({ length: 6 }, (_, i) => system.openSync(join(directory, `${i}`), 'create'));
  const synced = files.map((file) => file.sync());
  const named = system.syncDirectory(directory);
  files[0]?.writeSync(Buffer.from('abc'), 0);
  const bytes = Buffer.alloc(3);
  assert.equal(await files[0]?.read(bytes, 0), 3);
  assert.equal(held.length, 3);
  for (const file of files) file.closeSync();
  for (let ended = 0; ended < files.length; ended++) {
    held[ended]?.(null);
    await synced[ended];
  }
  await named;
  assert.equal(held.length, files.length, 'all came to their turn');
});

describe('faults of MemoryFileSystem', () => {
  test('a killed process leaves what the kernel had, a power loss only what was synced', () => {
    const make = (): MemoryFileSystem => {
      const system = new MemoryFileSystem();
      system.makeDirectorySync('/d');
      system.syncDirectorySync('/');
      const file = system.openSync('/d/synced', 'create');
      file.writeSync(Buffer.from('one'), 0);
      file.syncSync();
      system.syncDirectorySync('/d');
      file.writeSync(Buffer.from('TWO'), 0);
      file.writeSync(Buffer.from('more'), 3);
      const unnamed = system.openSync('/d/unnamed', 'create');
      unnamed.writeSync(Buffer.from('x'), 0);
      unnamed.syncSync();
      assert.ok(system.lockDirectorySync('/d') !== undefined);
      return system;
    };
    const killed = make();
    const afterKill = killed.restart();
    assert.equal(afterKill.readFileSync('/d/synced').toString(), 'TWOmore');
    assert.deepEqual(afterKill.readDirectorySync('/d'), ['synced', 'unnamed']);
    assert.ok(afterKill.lockDirectorySync('/d') !== undefined, 'locks die with their process');
    assert.throws(() => killed.readFileSync('/d/synced'), hasCode('ESTOPPED'));
    const afterLoss = make().losePower();
    assert.equal(afterLoss.readFileSync('/d/synced').toString(), 'one');
    assert.deepEqual(afterLoss.readDirectorySync('/d'), ['synced']);
  });

  test('a rename that was not synced is undone by a power loss', () => {
    const system = new MemoryFileSystem();
    const file = system.openSync('/a', 'create');
    file.writeSync(Buffer.from('a'), 0);
    file.syncSync();
    system.syncDirectorySync('/');
    system.renameSync('/a', '/b');
    assert.deepEqual(system.losePower().readDirectorySync('/'), ['a']);
  });

  test('a truncation that was not synced is undone by a power loss', () => {
    const system = new MemoryFileSystem();
    const file = system.openSync('/a', 'create');
    file.writeSync(Buffer.alloc(10_000, 1), 0);
    file.syncSync();
    system.syncDirectorySync('/');
    file.truncateSync(1);
    file.truncateSync(9000);
    assert.deepEqual(system.losePower().readFileSync('/a'), Buffer.alloc(10_000, 1));
  });

  test('a truncation that was synced stays', () => {
    const system = new MemoryFileSystem();
    const file = system.openSync('/a', 'create');
    file.writeSync(Buffer.alloc(10_000, 1), 0);
    file.syncSync();
    file.truncateSync(1);
    file.truncateSync(9000);
    file.syncSync();
    system.syncDirectorySync('/');
    const bytes = system.losePower().readFileSync('/a');
    assert.equal(bytes.length, 9000);
    assert.equal(bytes.lastIndexOf(1), 0);
  });

  test('a stop at step k lets k steps happen, and the torn write half', () => {
    const system = new MemoryFileSystem();
    const file = system.openSync('/a', 'create');
    system.stopAfterSteps(1, { tearsWrite: true });
    file.writeSync(Buffer.from('1234'), 0);
    assert.throws(() => file.writeSync(Buffer.from('5678'), 4), hasCode('ESTOPPED'));
    assert.throws(() => system.readFileSync('/a'), hasCode('ESTOPPED'));
    assert.equal(system.restart().readFileSync('/a').toString(), '123456');
  });

  test('a full volume refuses, and has room again after a file was removed', () => {
    const system = new MemoryFileSystem({ capacityBytes: 8192 });
    const file = system.openSync('/a', 'create');
    file.writeSync(Buffer.alloc(8192), 0);
    assert.throws(() => file.writeSync(Buffer.alloc(1), 8192), NoSpaceError);
    system.removeFileSync('/a');
    system.openSync('/b', 'create').writeSync(Buffer.alloc(8192), 0);
    assert.equal(system.volumeSync('/').usableBytes, 0);
  });

  test('a write that does not fit leaves what did, one that is refused its first half', () => {
    const system = new MemoryFileSystem({ capacityBytes: 8192 });
    const file = system.openSync('/a', 'create');
    assert.throws(() => file.writeSync(Buffer.alloc(8000), 1000), NoSpaceError);
    assert.equal(file.sizeSync(), 8192);
    file.truncateSync(0);
    system.refuseSpaceOf = (path) => path !== '/b';
    assert.throws(() => file.writevSync([Buffer.alloc(10), Buffer.alloc(10)], 0), NoSpaceError);
    assert.equal(file.sizeSync(), 5);
    assert.throws(() => system.openSync('/c', 'create'), NoSpaceError);
    assert.throws(() => system.makeDirectorySync('/d'), NoSpaceError);
    system.openSync('/b', 'create').writeSync(Buffer.alloc(10), 0);
    assert.equal(system.spaceCallCount, 7);
  });

  test('a failing sync keeps the bytes volatile', async () => {
    const system = new MemoryFileSystem();
    system.openSync('/a', 'create');
    system.syncDirectorySync('/');
    const file = system.openSync('/a', 'read-write');
    file.writeSync(Buffer.from('x'), 0);
    system.failSyncOf = (path) => path === '/a';
    await assert.rejects(file.sync(), hasCode('EIO'));
    assert.equal(system.losePower().readFileSync('/a').length, 0);
  });
});

test('the real disk tells a lack of space from other failures', {
  skip: !existsSync('/dev/full') && 'needs /dev/full',
}, () => {
  const full = new NodeFileSystem().openSync('/dev/full', 'read-write');
  assert.throws(() => full.writeSync(Buffer.from('x'), 0), NoSpaceError);
  assert.throws(() => full.writevSync([Buffer.from('x'), Buffer.from('y')], 0), NoSpaceError);
  full.closeSync();
  assert.throws(
    () => full.writeSync(Buffer.from('x'), 0),
    (error) => !(error instanceof NoSpaceError),
  );
});
