// One system, running, and what a question may do with it.

import type { BlastResult, Flags, GoPrograms, LoadResult, RunningLoad } from './go-programs.ts';
import type { RunningSystem } from './system-under-test.ts';
import type { TopicShape, Topics } from './topics.ts';

export class Trial {
  readonly system: RunningSystem;
  readonly topics: Topics;
  readonly #programs: GoPrograms;
  /** Topics that stay until the question is done, by the question's name for them. */
  readonly #kept = new Map<string, string>();
  /** How long a measurement lasts. */
  seconds = 1;

  constructor(parts: { system: RunningSystem; topics: Topics; programs: GoPrograms }) {
    this.system = parts.system;
    this.topics = parts.topics;
    this.#programs = parts.programs;
  }

  /** Runs `measure` with a topic of its own, which is deleted afterwards. */
  async withTopic<T>(shape: TopicShape, measure: (topic: string) => Promise<T>): Promise<T> {
    const topic = await this.topics.create(shape);
    const result = await measure(topic);
    await this.topics.delete(topic);
    return result;
  }

  /** Creates a topic for all rounds of a question, with `bytes` in it. */
  async keep(name: string, shape: TopicShape, bytes = 0): Promise<void> {
    const topic = await this.topics.create(shape);
    this.#kept.set(name, topic);
    if (bytes > 0) await this.load({ m: 'fill', t: topic, p: shape.partitions, size: 1024, recs: 60, bytes });
  }

  kept(name: string): string {
    const topic = this.#kept.get(name);
    if (topic === undefined) throw new Error(`no topic was kept as ${name}`);
    return topic;
  }

  async deleteKept(): Promise<void> {
    for (const topic of this.#kept.values()) await this.topics.delete(topic);
    this.#kept.clear();
  }

  blast(flags: Flags): Promise<BlastResult> {
    return this.#programs.blast(this.system.port, { s: this.seconds, ...flags });
  }

  load(flags: Flags): Promise<LoadResult> {
    return this.#programs.load(this.system.port, { s: this.seconds, ...flags });
  }

  /** A load beside another one; ends with `stop` at the latest after some minutes. */
  startLoad(flags: Flags): RunningLoad {
    return this.#programs.startLoad(this.system.port, { s: 300, ...flags });
  }
}
