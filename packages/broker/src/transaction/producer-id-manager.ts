// Hands out producer ids, each once in the cluster's life: a broker reserves a block of 1,000 in the tree and counts through it.
// Source: kafka.coordinator.transaction.ZkProducerIdManager.

import { assert } from '@ottla/base';

/** The door to where blocks are reserved. */
export interface ProducerIdBlockSource {
  /** Reserves the next block; no other caller ever gets an id of it. @returns [firstProducerId, firstProducerId + count) */
  reserveBlock(): Promise<{ firstProducerId: number; count: number }>;
}

export class ProducerIdManager {
  readonly #source: ProducerIdBlockSource;
  /** Unused ids are [next, end). */
  #next = 0;
  #end = 0;
  #reserving: Promise<void> | undefined;

  constructor(source: ProducerIdBlockSource) {
    this.#source = source;
  }

  /** The next id. @throws what the source throws */
  async generate(): Promise<number> {
    while (this.#next === this.#end) {
      this.#reserving ??= this.#reserve().finally(() => {
        this.#reserving = undefined;
      });
      await this.#reserving;
    }
    return this.#next++;
  }

  async #reserve(): Promise<void> {
    const { firstProducerId, count } = await this.#source.reserveBlock();
    assert(count > 0, 'an empty block of producer ids');
    this.#next = firstProducerId;
    this.#end = firstProducerId + count;
  }
}
