// Writes the codecs of packages/protocol from its schemas. Run after a build; `--check` only says whether they are current.
//   node scripts/generate-protocol.js [--check]

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles } from './generate-protocol/files.js';

const room = join(dirname(fileURLToPath(import.meta.url)), '../packages/protocol');
const target = join(room, 'src/generated');
const { apiSchemas, messageSchemas } = await import(join(room, 'dist/schema/index.js'));
const files = generatedFiles(apiSchemas, messageSchemas);

const present = existsSync(target)
  ? readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  : [];
const stale = present.filter((name) => !files.has(name));
const changed = [...files.keys()].filter(
  (name) => !present.includes(name) || readFileSync(join(target, name), 'utf8') !== files.get(name),
);

if (process.argv.includes('--check')) {
  for (const name of [...changed, ...stale]) console.error(`not current: packages/protocol/src/generated/${name}`);
  if (changed.length + stale.length > 0) process.exitCode = 1;
} else {
  for (const name of stale) rmSync(join(target, name));
  for (const name of changed) {
    mkdirSync(dirname(join(target, name)), { recursive: true });
    writeFileSync(join(target, name), files.get(name));
  }
  console.log(`protocol: ${files.size} files, ${changed.length} written, ${stale.length} removed`);
}
