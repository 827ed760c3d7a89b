// Windows does not rename a file that is open, nor a directory with one in it: whoever gives files other names closes them first.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, type File, MemoryFileSystem } from '@ottla/base';
import { copyToFutureLog } from './future-log-copy.ts';
import { appendValues, logConfig, NOW_MS, newManager, readValues, TP } from './testing.ts';

class WindowsLikeFileSystem extends MemoryFileSystem {
  readonly #open = new Set<File>();
  renames = 0;

  override openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    const file = super.openSync(path, mode);
    const closeSync = file.closeSync.bind(file);
    file.closeSync = () => {
      this.#open.delete(file);
      closeSync();
    };
    this.#open.add(file);
    return file;
  }

  override renameSync(from: string, to: string): void {
    const open = [...this.#open].map(({ path }) => path).filter((path) => path === from || path.startsWith(`${from}/`));
    assert.deepEqual(open, [], `${from} is renamed to ${to}`);
    this.renames++;
    super.renameSync(from, to);
  }
}

test('retention, compaction, moves and deletions rename nothing that is open', async (t) => {
  const clock = new FakeClock(NOW_MS);
  const fileSystem = new WindowsLikeFileSystem({ clock });
  const settings = { 'cleanup.policy': 'compact,delete', 'min.cleanable.dirty.ratio': '0', 'retention.bytes': '300' };
  const manager = newManager({ fileSystem, clock, logDirs: ['/a', '/b'], topicSettings: settings });
  await manager.start();
  const log = manager.getOrCreateLog(TP, { topicId: undefined, isNew: true, config: logConfig(settings) });
  for (let i = 0; i < 12; i++) {
    appendValues(log, [`${i}`], { key: `k${i % 2}` });
    log.roll();
    readValues(log);
  }
  log.updateHighWatermark(log.logEndOffset);
  assert.ok((await manager.cleaner.cleanFilthiestLog()) !== undefined);
  for (let i = 0; i < 6; i++) {
    appendValues(log, [`later-${i}`], { key: `k${i}` });
    log.roll();
  }
  log.updateHighWatermark(log.logEndOffset);
  assert.ok((await manager.cleanupLogs()) > 0);
  readValues(log);
  const future = manager.getOrCreateFutureLog(TP, { topicId: undefined, config: log.config, logDirectory: '/b' });
  while (copyToFutureLog(log, future, 1000) > 0);
  manager.replaceCurrentWithFutureLog(TP, () => {});
  const moved = manager.getLog(TP);
  assert.equal(moved, future);
  appendValues(future, ['after the move'], { key: 'k' });
  assert.equal(readValues(future).at(-1), 'after the move');
  manager.asyncDelete(TP);
  await clock.advance(60_000);
  await manager.close();
  assert.ok(fileSystem.renames > 20, `${fileSystem.renames}`);
  t.diagnostic(`${fileSystem.renames} renames`);
});
