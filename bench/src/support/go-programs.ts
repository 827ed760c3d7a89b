// The load generators, built once a run: blast (OTTLA_BLAST names its folder) sends one request again and again as fast as it is taken,
// bench/load sends evenly paced ones, reads many partitions and fills topics.

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { projectRoot } from './system-under-test.ts';

const RUN_TIMEOUT_MS = 300_000;
const run = promisify(execFile);

/** Flags, without their dash. */
export type Flags = Readonly<Record<string, string | number | boolean>>;

export interface BlastResult {
  readonly megabytesPerSecond: number;
  readonly recordsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Of what load measured one by one. */
export interface Latency {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface LoadResult {
  readonly ack?: Latency;
  readonly endToEnd?: Latency;
  readonly megabytesPerSecond?: number;
  /** Written by a fill. */
  readonly megabytes?: number;
}

/** A load that goes on until it is stopped. */
export interface RunningLoad {
  /** Ends it. @returns what it measured up to now */
  stop(): Promise<LoadResult>;
}

export class GoPrograms {
  readonly #blast: string;
  readonly #load: string;

  /** Builds both. @throws Error with a clear sentence when Go or blast is not there */
  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'ottla-bench-go-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    this.#blast = build(
      process.env.OTTLA_BLAST ?? join(projectRoot, '../shared/bench/blast'),
      join(directory, 'blast'),
    );
    this.#load = build(join(projectRoot, 'bench/load'), join(directory, 'load'));
  }

  /** @throws Error when the broker answered with an error */
  async blast(port: number, flags: Flags): Promise<BlastResult> {
    const { stdout, stderr } = await run(this.#blast, options(port, { create: false, ...flags }), {
      timeout: RUN_TIMEOUT_MS,
    });
    if (number(stdout, /errors (\d+)/) > 0) throw new Error(`blast: ${stdout}${stderr}`);
    return {
      megabytesPerSecond: number(stdout, /([\d.]+) MB\/s/),
      recordsPerSecond: number(stdout, /([\d.]+) rec\/s/),
      p50Ms: number(stdout, /p50 ([\d.]+)/),
      p99Ms: number(stdout, /p99 ([\d.]+)/),
    };
  }

  /** @throws Error when the broker answered with an error */
  async load(port: number, flags: Flags): Promise<LoadResult> {
    const { stdout } = await run(this.#load, options(port, flags), { timeout: RUN_TIMEOUT_MS });
    return JSON.parse(stdout);
  }

  startLoad(port: number, flags: Flags): RunningLoad {
    const child = spawn(this.#load, options(port, flags), { stdio: ['ignore', 'pipe', 'inherit'] });
    const output = outputOf(child);
    return {
      stop: async () => {
        child.kill('SIGINT');
        return JSON.parse(await output);
      },
    };
  }
}

function build(source: string, binary: string): string {
  if (!existsSync(source)) throw new Error(`a load generator is not at ${source}`);
  execFileSync('go', ['build', '-o', binary, '.'], { cwd: source, stdio: ['ignore', 'inherit', 'inherit'] });
  return binary;
}

function options(port: number, flags: Flags): string[] {
  return Object.entries({ b: `127.0.0.1:${port}`, ...flags }).map(([key, value]) => `-${key}=${value}`);
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (more: string) => {
    text += more;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`load ended with ${code}`);
  return text;
}

function number(line: string, pattern: RegExp): number {
  const match = pattern.exec(line);
  if (!match) throw new Error(`no ${pattern} in what the load generator printed: ${line}`);
  return Number(match[1]);
}
