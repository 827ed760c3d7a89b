import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { FakeClock } from './fake-clock.ts';
import { type File, NoSpaceError, StorageError } from './file-system.ts';
import { GatheringFileSystem } from './gathering-file-system.ts';
import { MemoryFileSystem } from './memory-file-system.ts';

/** Notes every write that reaches it, and fails those to files that are named. */
class WatchedFileSystem extends MemoryFileSystem {
  readonly writes: string[] = [];
  readonly broken = new Set<string>();

  override openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    const file = super.openSync(path, mode);
    const writevSync = file.writevSync.bind(file);
    file.writevSync = (buffers, position) => {
      if (this.broken.has(path)) throw new StorageError(`cannot write ${path}`, { code: 'EIO', path });
      this.writes.push(`${path} ${position} ${buffers.join('|')}`);
      writevSync(buffers, position);
    };
    file.writeSync = (bytes, position) => file.writevSync([bytes], position);
    return file;
  }
}

describe('GatheringFileSystem', () => {
  let inner: WatchedFileSystem;
  let failures: StorageError[];
  let clock: FakeClock;
  let fileSystem: GatheringFileSystem;
  let a: File;
  let b: File;

  beforeEach(() => {
    inner = new WatchedFileSystem();
    failures = [];
    clock = new FakeClock();
    fileSystem = new GatheringFileSystem(inner, { clock, onFailure: (error) => failures.push(error) });
    inner.makeDirectorySync('/d');
    a = fileSystem.openSync('/d/a', 'read-write');
    b = fileSystem.openSync('/d/b', 'read-write');
  });

  function write(file: File, text: string, position: number): void {
    // Whoever writes may use his buffer again at once.
    const bytes = Buffer.from(text);
    file.writeSync(bytes, position);
    bytes.fill(0);
  }

  test('outside of together every write goes through', () => {
    write(a, 'x', 0);
    write(a, 'y', 1);
    assert.deepEqual(inner.writes, ['/d/a 0 x', '/d/a 1 y']);
  });

  test('a run of writes becomes one, written before together returns', () => {
    fileSystem.together(() => {
      write(a, 'one', 0);
      write(a, 'two', 3);
      write(a, 'three', 6);
      assert.deepEqual(inner.writes, []);
    });
    assert.deepEqual(inner.writes, ['/d/a 0 onetwothree']);
  });

  test('the order of writes to several files is kept, also where one does not follow the one before it', () => {
    fileSystem.together(() => {
      write(a, '1', 0);
      write(b, '2', 0);
      write(a, '3', 1);
      write(a, '4', 2);
      write(a, '5', 9);
    });
    assert.deepEqual(inner.writes, ['/d/a 0 1', '/d/b 0 2', '/d/a 1 34', '/d/a 9 5']);
  });

  test('a large write and whatever runs over the buffer end the run', () => {
    const large = 'L'.repeat(10_000);
    fileSystem.together(() => {
      write(a, 's', 0);
      write(a, large, 1);
      for (let i = 0; i < 10; i++) write(b, 'm'.repeat(8000), i * 8000);
    });
    assert.deepEqual(
      inner.writes.map((line) => line.length - '/d/a 0 '.length),
      [1, 10_000, 64_000, 16_000 + 4],
    );
    assert.equal(b.sizeSync(), 80_000);
  });

  describe('large writes of bytes that were lent', () => {
    const KIB = 1024;
    let chunk: Buffer;

    beforeEach(() => {
      // Within a larger buffer, as what a socket read is.
      chunk = Buffer.alloc(64 * KIB).subarray(KIB, 41 * KIB);
      for (let i = 0; i < 4; i++) chunk.fill('abcd'.charAt(i), i * 10 * KIB, (i + 1) * 10 * KIB);
    });

    const lent = (number: number): Buffer => chunk.subarray(number * 10 * KIB, (number + 1) * 10 * KIB);
    /** Position, and a letter and the length of every buffer of a write. */
    const written = (): string[] =>
      inner.writes.map((line) => {
        const [path, position, buffers = ''] = line.split(' ');
        return `${path} ${position} ${buffers.split('|').map((each) => `${each.charAt(0)}${each.length}`)}`;
      });

    test('that follow each other are one, without a copy', () => {
      fileSystem.together(() => {
        a.writeSync(lent(0), 0);
        a.writeSync(lent(1), 10 * KIB);
        a.writeSync(lent(3), 20 * KIB);
        assert.deepEqual(inner.writes, []);
      }, chunk);
      assert.deepEqual(written(), ['/d/a 0 a10240,b10240,d10240']);
    });

    test('are not held back with others, nor those of bytes beside the lent ones', () => {
      const beside = Buffer.from(chunk.buffer, chunk.byteOffset + 35 * KIB, 10 * KIB);
      fileSystem.together(() => {
        write(a, 'small', 0);
        a.writeSync(lent(0), 5);
        write(a, 'small', 5 + 10 * KIB);
        a.writeSync(lent(1), 10 + 10 * KIB);
        a.writeSync(beside, 10 + 20 * KIB);
        a.writeSync(Buffer.alloc(10 * KIB, 'x'), 10 + 30 * KIB);
        b.writeSync(lent(2), 0);
        b.writeSync(lent(3), 20 * KIB);
      }, chunk);
      assert.deepEqual(written(), [
        '/d/a 0 s5',
        '/d/a 5 a10240',
        '/d/a 10245 s5',
        '/d/a 10250 b10240',
        '/d/a 20490 d10240',
        '/d/a 30730 x10240',
        '/d/b 0 c10240',
        '/d/b 20480 d10240',
      ]);
    });

    test('are seen by who reads, and lost with a failure that is told', () => {
      fileSystem.together(() => {
        a.writeSync(lent(1), 0);
        assert.equal(a.sizeSync(), 10 * KIB);
      }, chunk);
      inner.broken.add('/d/a');
      const failing = () => fileSystem.together(() => a.writeSync(lent(2), 10 * KIB), chunk);
      assert.throws(failing, StorageError);
      assert.equal(failures.length, 1);
      inner.broken.clear();
      inner.writes.length = 0;
      fileSystem.together(() => a.writeSync(lent(3), 10 * KIB), chunk);
      assert.deepEqual(written(), ['/d/a 10240 d10240']);
    });

    test('of one within another are written when the inner one ends, and its bytes are lent no longer', () => {
      const own = Buffer.alloc(10 * KIB, 'o');
      fileSystem.together(() => {
        a.writeSync(lent(0), 0);
        fileSystem.together(() => a.writeSync(own, 10 * KIB), own);
        assert.deepEqual(written(), ['/d/a 0 a10240,o10240']);
        a.writeSync(own, 20 * KIB);
        assert.equal(inner.writes.length, 2);
        a.writeSync(lent(1), 30 * KIB);
        assert.equal(inner.writes.length, 2);
      }, chunk);
      assert.equal(inner.writes.length, 3);
    });

    test('never are a run of more than 4 MiB', () => {
      const long = Buffer.alloc(5 * 1024 * KIB, 'l');
      fileSystem.together(() => {
        for (let i = 0; i < 5; i++) a.writeSync(long.subarray(0, 1024 * KIB), i * 1024 * KIB);
      }, long);
      assert.deepEqual(
        inner.writes.map((line) => line.split('|').length),
        [4, 1],
      );
    });
  });

  test('who reads, measures or cuts sees what was held back', () => {
    fileSystem.together(() => {
      write(a, 'hello', 0);
      const bytes = Buffer.alloc(5);
      assert.equal(a.readSync(bytes, 0, 5, 0), 5);
      assert.equal(bytes.toString(), 'hello');
      write(a, '!', 5);
      assert.equal(a.sizeSync(), 6);
      write(a, '!', 6);
      assert.equal(fileSystem.statSync('/d/a')?.sizeInBytes, 7);
      write(a, '!', 7);
      a.truncateSync(2);
      assert.equal(fileSystem.readFileSync('/d/a').toString(), 'he');
      write(a, 'y', 2);
      a.closeSync();
    });
    assert.equal(inner.readFileSync('/d/a').toString(), 'hey');
  });

  test('what work throws passes through, after what it wrote was written', () => {
    const failing = () =>
      fileSystem.together(() => {
        write(a, 'kept', 0);
        throw new RangeError('of its own');
      });
    assert.throws(failing, RangeError);
    assert.deepEqual(inner.writes, ['/d/a 0 kept']);
  });

  test('a run that fails is told of once and makes together throw, not whoever ended it', () => {
    inner.broken.add('/d/a');
    const failing = () =>
      fileSystem.together(() => {
        write(a, 'lost', 0);
        write(b, 'innocent', 0);
      });
    assert.throws(failing, (error) => error instanceof StorageError && error.path === '/d/a');
    assert.deepEqual(
      failures.map(({ path }) => path),
      ['/d/a'],
    );
    assert.deepEqual(inner.writes, ['/d/b 0 innocent']);
    fileSystem.together(() => write(b, '!', 8));
    assert.deepEqual(inner.writes.at(-1), '/d/b 8 !');
  });

  test('one within another: the inner one writes, and both hear of a failure', () => {
    fileSystem.together(() => {
      write(a, 'outer', 0);
      fileSystem.together(() => write(a, 'inner', 5));
      assert.deepEqual(inner.writes, ['/d/a 0 outerinner']);
    });
    inner.broken.add('/d/a');
    let innerFailed = false;
    const failing = () =>
      fileSystem.together(() => {
        write(a, 'lost', 10);
        try {
          fileSystem.together(() => write(b, 'fine', 0));
        } catch (error) {
          innerFailed = error instanceof StorageError;
        }
      });
    assert.throws(failing, StorageError);
    assert.ok(innerFailed);
  });

  /** What is left of the volume. */
  function leave(bytes: number): void {
    const { totalBytes, usableBytes } = inner.volumeSync('/d');
    inner.capacityBytes = totalBytes - usableBytes + bytes;
  }

  test('on a volume that is nearly full every write goes through, and is refused on its own', async () => {
    leave(63 << 20);
    fileSystem.together(() => {
      write(a, 'one', 0);
      write(a, 'two', 3);
    });
    assert.deepEqual(inner.writes, ['/d/a 0 one', '/d/a 3 two']);
    leave(0);
    fileSystem.together(() => {
      write(a, 'fits the page', 6);
      assert.throws(() => write(b, 'x', 0), NoSpaceError);
    });
    assert.deepEqual(failures, []);
    leave(65 << 20);
    await clock.advance(10_000);
    inner.writes.length = 0;
    fileSystem.together(() => {
      write(b, '1', 0);
      write(b, '2', 1);
    });
    assert.deepEqual(inner.writes, ['/d/b 0 12']);
  });

  test('after a refusal that the room of the volume does not explain, a quota perhaps, nothing is held back for ten seconds', async () => {
    inner.refuseSpaceOf = (path) => path === '/d/b';
    fileSystem.together(() => assert.throws(() => write(b, 'L'.repeat(10_000), 0), NoSpaceError));
    inner.refuseSpaceOf = () => false;
    await clock.advance(9_999);
    inner.writes.length = 0;
    const two = () =>
      fileSystem.together(() => {
        write(a, '1', 0);
        write(a, '2', 1);
      });
    two();
    assert.deepEqual(inner.writes.splice(0), ['/d/a 0 1', '/d/a 1 2']);
    await clock.advance(1);
    two();
    assert.deepEqual(inner.writes, ['/d/a 0 12']);
  });
});
