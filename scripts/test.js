// Runs the compiled tests. Without arguments all of them; with arguments those whose source path contains one:
//   npm test -- packages/storage/src/log.test.ts
//   npm test -- storage
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative } from 'node:path';

const root = new URL('..', import.meta.url).pathname;

/** Every `*.test.ts` below a room's `src`, with the path of what the compiler made of it. */
function testFiles() {
  const rooms = [...readdirSync(join(root, 'packages')).map((name) => join('packages', name)), 'tests'];
  return rooms.flatMap((room) =>
    walk(join(root, room, 'src'))
      .filter((path) => path.endsWith('.test.ts'))
      .map((path) => relative(root, path))
      .map((source) => ({ source, compiled: source.replace('/src/', '/dist/').replace(/\.ts$/, '.js') })),
  );
}

function walk(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

const filters = process.argv.slice(2);
const chosen = testFiles().filter(({ source }) => filters.length === 0 || filters.some((f) => source.includes(f)));
if (chosen.length === 0) {
  console.error(`no test file matches ${filters.join(' ')}`);
  process.exit(1);
}
// Many tests across rooms wait for processes and time more than they compute: one more at a time than there are cores.
const concurrency = `--test-concurrency=${availableParallelism() + 1}`;
const files = chosen.map(({ compiled }) => compiled);
const result = spawnSync(process.execPath, ['--test', '--test-reporter=spec', concurrency, ...files], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(result.status ?? 1);
