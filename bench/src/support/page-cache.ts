// Takes files out of the page cache, so that reading them reads the disk: GNU dd asks for it with posix_fadvise, which needs no rights beyond
// those to read the file.

import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Why it cannot be done here; undefined when it can. */
export function whyNoDropping(): string | undefined {
  const { status } = spawnSync('dd', ['if=/dev/null', 'iflag=nocache', 'count=0', 'status=none'], { stdio: 'ignore' });
  return process.platform === 'linux' && status === 0 ? undefined : 'dropping the page cache needs Linux and GNU dd';
}

/** What is not on the disk yet cannot be dropped. */
export function writeBack(): void {
  execFileSync('sync');
}

/** All segments in these directories. */
export function dropSegments(directories: readonly string[]): void {
  for (const directory of directories) {
    for (const name of readdirSync(directory).filter((entry) => entry.endsWith('.log'))) {
      const path = join(directory, name);
      if (statSync(path).size > 0) spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none']);
    }
  }
}
