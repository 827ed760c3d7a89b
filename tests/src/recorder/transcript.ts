// A transcript: what a broker answered to a scenario, one answer a line.

import { loadCompressionCodecs } from '@ottla/records';
import { type BrokerUnderTest, Session } from './session.ts';
import type { Entry, Step } from './step.ts';

/** Runs `steps` in order. @throws Error naming the step that could not be run, or two of one name */
export async function record(
  broker: BrokerUnderTest,
  steps: readonly Step[],
  onStep: (name: string, tookMs: number) => void = () => {},
): Promise<Entry[]> {
  const names = new Set<string>();
  for (const { name } of steps) {
    if (names.has(name)) throw new Error(`two steps are called ${JSON.stringify(name)}`);
    names.add(name);
  }
  await loadCompressionCodecs();
  const session = new Session(broker);
  try {
    const entries: Entry[] = [];
    for (const step of steps) {
      const startMs = performance.now();
      try {
        entries.push(...(await step.run(session)));
      } catch (cause) {
        throw new Error(`the step ${JSON.stringify(step.name)} failed`, { cause });
      }
      onStep(step.name, performance.now() - startMs);
    }
    return entries;
  } finally {
    session.close();
  }
}

export function formatTranscript(entries: readonly Entry[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}

/** @throws SyntaxError for what `formatTranscript` did not write */
export function parseTranscript(text: string): Entry[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Entry);
}
