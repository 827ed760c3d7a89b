// A broker for one test: its directory, its process, its end. With OTTLA_TEST_BROKER=PORT a test that kills nothing runs against the broker
// that is there, so that what it claims can be held against Apache Kafka.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestClient } from '@ottla/network';
import { type BrokerProcess, startBrokerProcess } from './broker-process.ts';
import { connectTo } from './wire.ts';

/** An empty directory that goes with the test. */
export function temporaryDirectory(t: TestContext, name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `ottla-${name}-`));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** For whoever goes on where a killed broker comes back. @throws SocketError after twenty seconds */
export async function connectEventually(port: number): Promise<RequestClient> {
  const deadlineMs = Date.now() + 20_000;
  for (;;) {
    try {
      return await connectTo(port);
    } catch (error) {
      if (Date.now() > deadlineMs) throw error;
      await sleep(20);
    }
  }
}

/** @returns the port of a broker that lives as long as the test */
export async function testBrokerPort(
  t: TestContext,
  name: string,
  config: Readonly<Record<string, string>> = {},
): Promise<number> {
  const given = process.env.OTTLA_TEST_BROKER;
  if (given !== undefined) return Number(given);
  const broker = new RestartableBroker(t, { name, config, port: 0 });
  await broker.start();
  return broker.port;
}

/** A connection that goes with the test, also where it fails: an open one would keep the process alive. */
export async function connectFor(t: TestContext, port: number): Promise<RequestClient> {
  const client = await connectTo(port);
  t.after(() => client.close());
  return client;
}

export interface RestartableBrokerOptions {
  readonly name: string;
  readonly config?: Readonly<Record<string, string>>;
  /** 0: a free one at each start. */
  readonly port: number;
}

/** One data directory, and one process after the other on it. */
export class RestartableBroker {
  readonly dataDirectory: string;
  readonly #options: RestartableBrokerOptions;
  #process: BrokerProcess | undefined;

  constructor(t: TestContext, options: RestartableBrokerOptions) {
    this.#options = options;
    this.dataDirectory = temporaryDirectory(t, options.name);
    t.after(() => this.end('SIGKILL'));
  }

  get port(): number {
    return this.#mustRun().port;
  }

  get pid(): number {
    return this.#mustRun().pid;
  }

  /** @param flags of this start only */
  async start(flags: readonly string[] = []): Promise<void> {
    const { config = {}, port } = this.#options;
    this.#process = await startBrokerProcess({ dataDirectory: this.dataDirectory, config, port, flags });
  }

  /** @returns the exit code, null when a signal ended it or none ran */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const ending = this.#process;
    this.#process = undefined;
    return ending ? ending.end(signal) : null;
  }

  output(): string {
    return this.#mustRun().output();
  }

  #mustRun(): BrokerProcess {
    if (!this.#process) throw new Error('the broker does not run');
    return this.#process;
  }
}

/** A port for brokers that must be found again after a restart. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** What a random test starts from: OTTLA_SEED, or a new one. Print it. */
export function testSeed(): number {
  return Number(process.env.OTTLA_SEED ?? Date.now() % 1_000_000_007);
}
