#!/usr/bin/env node
// The program's name on the command line. It stands beside the sources, so that npm can link it before anything is built.
import { statSync } from 'node:fs';

const bundled = new URL('../bundle/main.js', import.meta.url);
const compiled = new URL('../dist/main.js', import.meta.url);
/** In a checkout, what the compiler writes whenever it has compiled a room. */
const ROOMS = ['base', 'protocol', 'records', 'network', 'storage', 'coordination', 'broker', 'ottla'];

function modifiedMs(url) {
  return statSync(url, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The bundle starts several times as fast, but in a checkout the compiler may have run after the bundler. */
function isBundleCurrent() {
  const bundledMs = modifiedMs(bundled);
  return (
    bundledMs > 0 &&
    ROOMS.every((room) => modifiedMs(new URL(`../../${room}/dist/.tsbuildinfo`, import.meta.url)) <= bundledMs)
  );
}

if (isBundleCurrent()) {
  await import(bundled.href);
} else if (modifiedMs(compiled) > 0) {
  await import(compiled.href);
} else {
  console.error('ottla is not built yet: npm run build');
  process.exitCode = 1;
}
