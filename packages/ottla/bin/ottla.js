#!/usr/bin/env node
// The program's name on the command line. It stands beside the sources, so that npm can link it before anything is built.
// CommonJS, unlike all the rest: a module would be read by the threads whose number is to be set before there are any.
const { statSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

/** Threads of libuv that wait for disks. With the usual four, the syncs of two disks that hang would hold up everybody. */
process.env.UV_THREADPOOL_SIZE ??= '12';

const root = pathToFileURL(join(__dirname, '..', '/'));
const bundled = new URL('bundle/main.js', root);
const compiled = new URL('dist/main.js', root);
/** In a checkout, what the compiler writes whenever it has compiled a room. */
const ROOMS = ['base', 'protocol', 'records', 'network', 'storage', 'coordination', 'broker', 'ottla'];

function modifiedMs(url) {
  return statSync(url, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The bundle starts several times as fast, but in a checkout the compiler may have run after the bundler. */
function isBundleCurrent() {
  const bundledMs = modifiedMs(bundled);
  return bundledMs > 0 && ROOMS.every((room) => modifiedMs(new URL(`../${room}/dist/.tsbuildinfo`, root)) <= bundledMs);
}

if (isBundleCurrent()) {
  void import(bundled.href);
} else if (modifiedMs(compiled) > 0) {
  void import(compiled.href);
} else {
  console.error('ottla is not built yet: npm run build');
  process.exitCode = 1;
}
