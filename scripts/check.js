// `npm run check`: everything about the code that can be proved without running it. (Types were proved by the build before.)
import { spawnSync } from 'node:child_process';

const colors = process.stdout.isTTY ? [] : ['--colors=off'];
const STEPS = [
  ['lint and format', ['node_modules/@biomejs/biome/bin/biome', 'ci', '--error-on-warnings', ...colors, '.']],
  ['layering', ['scripts/check-layers.js']],
  ['generated code is current', ['scripts/generate-protocol.js', '--check']],
  ['docs/configuration.md is current', ['scripts/generate-configuration-docs.js', '--check']],
];

let failed = 0;
for (const [name, command] of STEPS) {
  const result = spawnSync(process.execPath, command, { cwd: new URL('..', import.meta.url), stdio: 'inherit' });
  const passed = result.status === 0;
  console.log(`${passed ? 'ok' : 'FAILED'}  ${name}`);
  if (!passed) failed++;
}
process.exit(failed === 0 ? 0 : 1);
