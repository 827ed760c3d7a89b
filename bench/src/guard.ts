// `node bench/dist/guard.js`: what one request costs in bytes allocated and in writes to disk and network, against the figures in
// bench/guard.json. It notices a slower hot path on any machine, however busy: these figures hardly depend on it.
//   --update   writes the figures instead, after a change that was meant; keep the higher of several runs

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { PerformanceObserver } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type GuardQuestion, guardQuestions } from './support/guard-questions.ts';
import { InProcessBroker } from './support/in-process-broker.ts';
import { median } from './support/table.ts';

const FIGURES = fileURLToPath(new URL('../guard.json', import.meta.url));
/** No collection may run while bytes are counted: the young generation holds all that a run allocates. */
const NODE_FLAGS = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];
const COUNTED_BYTES_MAX = 64 * 1024 * 1024;
const WARM_UP_ROUNDS = 20;
const COUNTS = 5;
const ATTEMPTS_MAX = 30;
/** Optimised code allocates a little more or less from run to run, and small buffers share a slab of 8 KiB. */
const TOLERANCE = 1.2;
const TOLERANCE_BYTES = 512;

/** Of one request. */
interface Cost {
  /** On the heap of the language. */
  readonly heapBytes: number;
  /** Outside, in buffers. */
  readonly bufferBytes: number;
  readonly fileWrites: number;
  readonly socketWrites: number;
}

const { values } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
if (globalThis.gc === undefined) {
  const again = spawnSync(process.execPath, [...NODE_FLAGS, ...process.argv.slice(1)], { stdio: 'inherit' });
  process.exit(again.status ?? 1);
}

let lastCollectionMs = 0;
new PerformanceObserver((list) => {
  for (const { startTime } of list.getEntries()) lastCollectionMs = startTime;
}).observe({ entryTypes: ['gc'] });

const broker = await InProcessBroker.start();
const costs = new Map<string, Cost>();
for (const question of await guardQuestions(broker)) costs.set(question.name, await costOf(question));
await broker.close();
if (values.update) update();
else process.exit(compare() ? 0 : 1);

/** What the turns themselves cost. */
function nothing(): void {}

async function costOf(question: GuardQuestion): Promise<Cost> {
  const { frame, requestCount, advance } = question;
  const chunk = Buffer.from(frame);
  const ask = () => {
    // The broker stamps offsets into what it gets, so each request starts afresh.
    chunk.set(frame);
    advance?.(frame);
    broker.connection.onData(chunk);
  };
  if (advance !== undefined) advance(frame);
  for (let round = 0; round < WARM_UP_ROUNDS; round++) await repeat(requestCount, ask);
  const counted: Cost[] = [];
  for (let i = 0; i < COUNTS; i++) counted.push(await costOnce(question, ask));
  return medianOf(counted);
}

async function costOnce(question: GuardQuestion, ask: () => void): Promise<Cost> {
  const { name, requestCount } = question;
  const idle = await count(question, nothing);
  const busy = await count(question, ask);
  if (busy.heapBytes > COUNTED_BYTES_MAX) throw new Error(`${name}: ${requestCount} requests are too many to count`);
  const perRequest = (figure: keyof Cost) => Math.max(0, busy[figure] - idle[figure]) / requestCount;
  return {
    heapBytes: Math.round(perRequest('heapBytes')),
    bufferBytes: Math.round(perRequest('bufferBytes')),
    fileWrites: hundredths(perRequest('fileWrites')),
    socketWrites: hundredths(perRequest('socketWrites')),
  };
}

/** What the broker does in the background falls into some counts and not into others. */
function medianOf(costs: readonly Cost[]): Cost {
  const middle = (figure: keyof Cost) => median(costs.map((cost) => cost[figure]));
  return {
    heapBytes: middle('heapBytes'),
    bufferBytes: middle('bufferBytes'),
    fileWrites: middle('fileWrites'),
    socketWrites: middle('socketWrites'),
  };
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}

/** What is freed meanwhile would be missed, so a count that a collection fell into is repeated. */
async function count({ name, requestCount }: GuardQuestion, ask: () => void): Promise<Cost> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    globalThis.gc?.();
    const startedMs = performance.now();
    const cost = await countOnce(requestCount, ask);
    await turn();
    if (lastCollectionMs < startedMs) return cost;
  }
  throw new Error(`${name}: the garbage collector ran in each of ${ATTEMPTS_MAX} counts`);
}

/** The observer hears of a collection a little later. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

async function countOnce(requestCount: number, ask: () => void): Promise<Cost> {
  const { connection, fileSystem } = broker;
  const before = { memory: process.memoryUsage(), files: fileSystem.writeCount, sockets: connection.writeCount };
  await repeat(requestCount, ask);
  const after = process.memoryUsage();
  return {
    heapBytes: after.heapUsed - before.memory.heapUsed,
    bufferBytes: after.arrayBuffers - before.memory.arrayBuffers,
    fileWrites: fileSystem.writeCount - before.files,
    socketWrites: connection.writeCount - before.sockets,
  };
}

/** One request at a time, each in a turn of the event loop of its own, as from one connection that waits for its answers. */
function repeat(requestCount: number, ask: () => void): Promise<void> {
  const { connection } = broker;
  return new Promise((resolve) => {
    let left = requestCount;
    const next = () => {
      if (left-- === 0) return resolve();
      ask();
      if (ask === nothing) setImmediate(next);
    };
    connection.onAnswered = () => void setImmediate(next);
    next();
  });
}

function update(): void {
  writeFileSync(FIGURES, `${JSON.stringify(Object.fromEntries(costs), undefined, 2)}\n`);
  for (const [name, cost] of costs) console.log(`${name}: ${text(cost)}`);
}

function compare(): boolean {
  const known = new Map<string, Cost>(Object.entries(JSON.parse(readFileSync(FIGURES, 'utf8'))));
  let isGood = true;
  for (const [name, cost] of costs) {
    const expected = known.get(name);
    const isWithin = expected !== undefined && !exceeds(cost, expected);
    isGood &&= isWithin;
    console.log(
      `${isWithin ? 'ok  ' : 'WORSE'} ${name}: ${text(cost)}${expected ? `; known: ${text(expected)}` : '; not known'}`,
    );
  }
  return isGood;
}

function exceeds(cost: Cost, expected: Cost): boolean {
  const isMore = (figure: keyof Cost, slack: number) => cost[figure] > expected[figure] * TOLERANCE + slack;
  return (
    isMore('heapBytes', TOLERANCE_BYTES) ||
    isMore('bufferBytes', TOLERANCE_BYTES) ||
    isMore('fileWrites', 0.05) ||
    isMore('socketWrites', 0.05)
  );
}

function text({ heapBytes, bufferBytes, fileWrites, socketWrites }: Cost): string {
  return `${heapBytes} B heap, ${bufferBytes} B buffers, ${fileWrites} file writes, ${socketWrites} socket writes`;
}
