// `node bench/dist/guard.js`: what one request costs in bytes allocated and in writes to disk and network, against the figures in
// bench/guard.json. It notices a slower hot path on any machine, however busy: these figures hardly depend on it.
//   --update   writes the figures instead, after a change that was meant

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Cost, type Costs, countCosts, lowerCosts } from './support/guard-costs.ts';

const FIGURES = fileURLToPath(new URL('../guard.json', import.meta.url));
/** What is worse in all of so many processes is worse. */
const PROCESSES_MAX = 4;
/** The compiler decides anew in each process what it inlines, which makes up to a third more or less; small buffers share a slab of 8 KiB. */
const TOLERANCE = 1.4;
const TOLERANCE_BYTES = 512;

const { values } = parseArgs({ options: { update: { type: 'boolean', default: false } } });
if (values.update) update();
else process.exit(isAsKnown() ? 0 : 1);

function update(): void {
  let costs = countCosts();
  for (let i = 1; i < PROCESSES_MAX; i++) costs = lowerCosts(costs, countCosts());
  writeFileSync(FIGURES, `${JSON.stringify(Object.fromEntries(costs), undefined, 2)}\n`);
  for (const [name, cost] of costs) console.log(`${name}: ${text(cost)}`);
}

function isAsKnown(): boolean {
  const known = new Map<string, Cost>(Object.entries(JSON.parse(readFileSync(FIGURES, 'utf8'))));
  let costs = countCosts();
  for (let i = 1; i < PROCESSES_MAX && worseThan(known, costs).length > 0; i++) {
    console.log(`once more, in a new process, because of: ${worseThan(known, costs).join('; ')}`);
    costs = lowerCosts(costs, countCosts());
  }
  const worse = worseThan(known, costs);
  for (const [name, cost] of costs) {
    const expected = known.get(name);
    console.log(
      `${worse.includes(name) ? 'WORSE' : 'ok  '} ${name}: ${text(cost)}; ${expected ? `known: ${text(expected)}` : 'not known'}`,
    );
  }
  return worse.length === 0;
}

/** @returns the names of those that cost clearly more than is known, or that nothing is known of */
function worseThan(known: Costs, costs: Costs): string[] {
  return [...costs].filter(([name, cost]) => exceeds(cost, known.get(name))).map(([name]) => name);
}

function exceeds(cost: Cost, expected: Cost | undefined): boolean {
  if (expected === undefined) return true;
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
