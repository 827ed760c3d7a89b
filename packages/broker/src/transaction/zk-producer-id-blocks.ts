// Blocks of producer ids out of the tree: /latest_producer_id_block says which was reserved last, and compare-and-set decides who gets
// the next. Source: kafka.coordinator.transaction.ZkProducerIdManager.getNewProducerIdBlock.

import { Errors, KafkaError } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import type { ProducerIdBlockSource } from './producer-id-manager.ts';

const BLOCK_SIZE = 1000;

export class ZkProducerIdBlocks implements ProducerIdBlockSource {
  readonly #zkClient: Pick<KafkaZkClient, 'getProducerIdBlock' | 'setProducerIdBlock'>;
  readonly #brokerId: number;

  constructor(zkClient: Pick<KafkaZkClient, 'getProducerIdBlock' | 'setProducerIdBlock'>, brokerId: number) {
    this.#zkClient = zkClient;
    this.#brokerId = brokerId;
  }

  /** From now on nobody gets an id up to `producerId`: somebody has it already.
   *  @throws TreeError when the tree cannot be asked */
  async skipThrough(producerId: number): Promise<void> {
    for (;;) {
      const { block, zkVersion } = await this.#zkClient.getProducerIdBlock();
      if (block !== undefined && block.blockEnd >= producerId) return;
      const blockStart = producerId - (producerId % BLOCK_SIZE);
      const next = { brokerId: this.#brokerId, blockStart, blockEnd: blockStart + BLOCK_SIZE - 1 };
      if ((await this.#zkClient.setProducerIdBlock(next, zkVersion)) !== undefined) return;
    }
  }

  /** @throws KafkaError when all ids are used up; TreeError when the tree cannot be asked */
  async reserveBlock(): Promise<{ firstProducerId: number; count: number }> {
    for (;;) {
      const { block, zkVersion } = await this.#zkClient.getProducerIdBlock();
      const blockStart = block === undefined ? 0 : block.blockEnd + 1;
      const blockEnd = blockStart + BLOCK_SIZE - 1;
      if (!Number.isSafeInteger(blockEnd)) {
        throw new KafkaError(
          Errors.UNKNOWN_SERVER_ERROR,
          `producer ids are used up: the last block ends at ${blockStart - 1}`,
        );
      }
      const next = { brokerId: this.#brokerId, blockStart, blockEnd };
      if ((await this.#zkClient.setProducerIdBlock(next, zkVersion)) !== undefined) {
        return { firstProducerId: blockStart, count: BLOCK_SIZE };
      }
    }
  }
}
