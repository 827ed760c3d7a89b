// A program of its own, started by guard.ts: prints what each guarded request costs, as JSON. The compiler optimises every process a
// little differently, so a figure belongs to the process that it was counted in.

import { PerformanceObserver } from 'node:perf_hooks';
import type { Cost } from './guard-costs.ts';
import { type GuardQuestion, guardQuestions } from './guard-questions.ts';
import { InProcessBroker } from './in-process-broker.ts';
import { median } from './table.ts';

const COUNTED_BYTES_MAX = 64 * 1024 * 1024;
const WARM_UP_ROUNDS = 20;
const COUNTS = 5;
const ATTEMPTS_MAX = 30;

let lastCollectionMs = 0;
new PerformanceObserver((list) => {
  for (const { startTime } of list.getEntries()) lastCollectionMs = startTime;
}).observe({ entryTypes: ['gc'] });

const broker = await InProcessBroker.start();
const costs: Record<string, Cost> = {};
for await (const question of guardQuestions(broker)) costs[question.name] = await costOf(question);
await broker.close();
console.log(JSON.stringify(costs));

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
      if (left-- === 0) {
        connection.onAnswered = nothing;
        return resolve();
      }
      ask();
      if (ask === nothing) setImmediate(next);
    };
    connection.onAnswered = () => void setImmediate(next);
    next();
  });
}
