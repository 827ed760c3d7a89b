// What a request costs, counted in processes of their own: one that was unlucky with its compiler says nothing about the code.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('count-costs.js', import.meta.url));
/** No collection may run while bytes are counted: the young generation holds all that a run allocates. */
const NODE_FLAGS = ['--expose-gc', '--min-semi-space-size=128', '--max-semi-space-size=128'];

/** Of one request. */
export interface Cost {
  /** On the heap of the language. */
  readonly heapBytes: number;
  /** Outside, in buffers. */
  readonly bufferBytes: number;
  readonly fileWrites: number;
  readonly socketWrites: number;
}

/** By the question's name. */
export type Costs = ReadonlyMap<string, Cost>;

/** @returns what a new process counts, in about 15 seconds. @throws Error when it fails */
export function countCosts(): Costs {
  const { status, stdout } = spawnSync(process.execPath, [...NODE_FLAGS, PROGRAM], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`counting what requests cost ended with ${status}`);
  return new Map<string, Cost>(Object.entries(JSON.parse(stdout)));
}

/** @returns each figure as the process that was luckier counted it */
export function lowerCosts(some: Costs, others: Costs): Costs {
  return new Map([...some].map(([name, cost]) => [name, lower(cost, others.get(name) ?? cost)]));
}

function lower(a: Cost, b: Cost): Cost {
  return {
    heapBytes: Math.min(a.heapBytes, b.heapBytes),
    bufferBytes: Math.min(a.bufferBytes, b.bufferBytes),
    fileWrites: Math.min(a.fileWrites, b.fileWrites),
    socketWrites: Math.min(a.socketWrites, b.socketWrites),
  };
}
