#!/usr/bin/env node
// The program's name on the command line. It stands beside the sources, so that npm can link it before anything is built.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (existsSync(main)) {
  await import(main.href);
} else {
  console.error('ottla is not built yet: npm run build');
  process.exitCode = 1;
}
