// The version of the package, out of its package.json.

import { createRequire } from 'node:module';

function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)('../package.json');
  if (typeof manifest === 'object' && manifest !== null && 'version' in manifest) return String(manifest.version);
  return 'unknown';
}

export const version: string = readVersion();
