// Runs the load generator and reads its one line of results.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot, type RunningSystem } from './system-under-test.ts';

const source = process.env.OTTLA_BLAST ?? join(projectRoot, '../shared/bench/blast');

export interface BlastResult {
  readonly megabytesPerSecond: number;
  readonly recordsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

export type BlastOptions = Readonly<Record<string, string | number>>;

/** Builds the generator. @throws Error with a clear sentence when it or Go is not there */
export function buildBlast(): string {
  if (!existsSync(source)) throw new Error(`the load generator is not at ${source} (OTTLA_BLAST names it)`);
  const binary = join(mkdtempSync(join(tmpdir(), 'ottla-blast-')), 'blast');
  execFileSync('go', ['build', '-o', binary, '.'], { cwd: source, stdio: ['ignore', 'inherit', 'inherit'] });
  return binary;
}

/** One run of the generator against `system`. */
export function blast(binary: string, system: RunningSystem, options: BlastOptions): BlastResult {
  const flags = Object.entries({ b: `127.0.0.1:${system.port}`, ...options }).map(([key, value]) => `-${key}=${value}`);
  const line = execFileSync(binary, flags, { encoding: 'utf8', timeout: 120_000 });
  return {
    megabytesPerSecond: number(line, /([\d.]+) MB\/s/),
    recordsPerSecond: number(line, /([\d.]+) rec\/s/),
    p50Ms: number(line, /p50 ([\d.]+)/),
    p99Ms: number(line, /p99 ([\d.]+)/),
    errors: number(line, /errors (\d+)/),
  };
}

function number(line: string, pattern: RegExp): number {
  const match = pattern.exec(line);
  if (!match) throw new Error(`no ${pattern} in what the load generator printed: ${line}`);
  return Number(match[1]);
}
