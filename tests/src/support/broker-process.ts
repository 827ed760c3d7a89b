// The built product as a process of its own, for tests that kill it.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url));

const START_TIMEOUT_MS = 30_000;

export interface BrokerProcess {
  readonly port: number;
  readonly pid: number;
  /** All it has printed so far. */
  output(): string;
  /** Sends the signal and waits for the end. @returns the exit code, null when a signal ended it */
  end(signal: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number | null>;
}

export interface BrokerProcessOptions {
  readonly dataDirectory: string;
  /** 0: a free one. */
  readonly port?: number;
  /** Kafka's keys. */
  readonly config?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
}

/** Starts `ottla start` and waits for its first line. @throws Error with all it printed when it ends or stays silent */
export async function startBrokerProcess(options: BrokerProcessOptions): Promise<BrokerProcess> {
  const config = {
    listeners: `PLAINTEXT://127.0.0.1:${options.port ?? 0}`,
    'log.dirs': options.dataDirectory,
    ...options.config,
  };
  const overrides = Object.entries(config).flatMap(([key, value]) => ['--override', `${key}=${value}`]);
  const main = join(projectRoot, 'packages/ottla/dist/main.js');
  const child = spawn(process.execPath, [main, 'start', ...overrides, ...(options.flags ?? [])], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const port = await readyPort(child, () => output);
  return {
    port,
    pid: child.pid ?? 0,
    output: () => output,
    end: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

/** The port that the first line names. */
async function readyPort(child: ChildProcess, output: () => string): Promise<number> {
  const deadlineMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadlineMs && child.exitCode === null) {
    const match = /ready.*?127\.0\.0\.1:(\d+)|127\.0\.0\.1:(\d+).*ready/.exec(output());
    if (match) return Number(match[1] ?? match[2]);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  child.kill('SIGKILL');
  throw new Error(`the broker did not start (exit code ${child.exitCode}):\n${output()}`);
}
