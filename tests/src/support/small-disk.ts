// A tmpfs that a test fills up. Needs root and the right to mount.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { skipUnless } from './foreign.ts';

const PROBE_BYTES = 1 << 20;

function mount(path: string, sizeInBytes: number, how = ''): boolean {
  mkdirSync(path, { recursive: true });
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `${how}size=${sizeInBytes}`, 'tmpfs', path]).status === 0;
}

function canMount(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const path = join('/tmp', `ottla-mount-${process.pid}`);
  const isMounted = mount(path, PROBE_BYTES);
  if (isMounted) spawnSync('umount', [path]);
  rmSync(path, { recursive: true, force: true });
  return isMounted;
}

/** For `skip`. */
export function skipWithoutMount(): false | string {
  return skipUnless(canMount(), 'the right to mount a tmpfs');
}

export class SmallDisk {
  readonly #scratch: string;
  readonly #mountPoint: string;
  readonly logDir: string;

  /** It goes after the test, and after what was to be done then before this was called. */
  constructor(t: TestContext, sizeInBytes: number) {
    this.#scratch = mkdtempSync(join(tmpdir(), 'ottla-small-disk-'));
    this.#mountPoint = join(this.#scratch, 'disk');
    this.logDir = join(this.#mountPoint, 'logs');
    assert.ok(mount(this.#mountPoint, sizeInBytes));
    t.after(() => {
      spawnSync('umount', ['-l', this.#mountPoint]);
      rmSync(this.#scratch, { recursive: true, force: true });
    });
  }

  /** Leaves `bytes` of it. */
  shrinkTo(bytes: number): void {
    const { bavail, bsize } = statfsSync(this.#mountPoint);
    writeFileSync(this.#ballast('most'), Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  }

  /** Leaves nothing, to the last page. */
  fillRest(): void {
    const file = openSync(this.#ballast('rest'), 'w');
    try {
      for (;;) writeSync(file, Buffer.alloc(4096));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    } finally {
      closeSync(file);
    }
  }

  /** Takes back what was left by `shrinkTo` and `fillRest`. */
  giveBack(): void {
    for (const name of ['most', 'rest']) rmSync(this.#ballast(name), { force: true });
  }

  grow(sizeInBytes: number): void {
    assert.ok(mount(this.#mountPoint, sizeInBytes, 'remount,'));
  }

  #ballast(name: string): string {
    return join(this.#mountPoint, `ballast-${name}`);
  }
}
