// The last step of `npm run build`: the program, its thread and all its rooms as a few files in packages/ottla/bundle. Node resolves, reads
// and compiles each module on its own: five hundred of them take longer than everything else a broker does to start, and keep more memory.
// Runs after the compiler.

import { readdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const packages = fileURLToPath(new URL('../packages/', import.meta.url));
const root = `${packages}ottla/`;

rmSync(`${root}bundle`, { recursive: true, force: true });
const options = {
  outdir: `${root}bundle`,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Stacks must stay readable: no names are shortened.
  minifyWhitespace: true,
  minifySyntax: true,
  // Libraries are installed beside the program: some are native, all are optional or rarely used. Only our rooms are bundled.
  packages: 'bundle',
  external: ['@cloudpss/*', '@node-rs/*', 'dot-properties', 'pino'],
  logLevel: 'warning',
};
// What the command line imports on demand stays apart.
await build({ ...options, entryPoints: [`${root}dist/main.js`], splitting: true });
// What runs in threads stands beside who starts it, here as in its room. A thread shares no code with the program, so neither do their files.
await build({ ...options, entryPoints: [`${packages}storage/dist/cleaner-thread-main.js`] });
console.log(`packages/ottla/bundle: ${readdirSync(`${root}bundle`).length} files`);
