import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KafkaZkClient } from '@ottla/coordination';
import { ZkProducerIdBlocks } from './zk-producer-id-blocks.ts';

type Block = NonNullable<Awaited<ReturnType<KafkaZkClient['getProducerIdBlock']>>['block']>;

/** The one znode, which somebody else changes `rivals` times just before we do. */
function tree(rivals = 0): Pick<KafkaZkClient, 'getProducerIdBlock' | 'setProducerIdBlock'> {
  let block: Block | undefined;
  let version = 0;
  const store = (next: Block) => {
    block = next;
    return ++version;
  };
  let left = rivals;
  return {
    getProducerIdBlock: async () => ({ block, zkVersion: version }),
    setProducerIdBlock: async (next, expected) => {
      if (left-- > 0) {
        const blockStart = (block?.blockEnd ?? -1) + 1;
        store({ brokerId: 9, blockStart, blockEnd: blockStart + 999 });
      }
      return expected === version ? store(next) : undefined;
    },
  };
}

describe('ZkProducerIdBlocks', () => {
  test('reserves one block of a thousand after the other, beside rivals', async () => {
    const blocks = new ZkProducerIdBlocks(tree(1), 1);
    assert.deepEqual(await blocks.reserveBlock(), { firstProducerId: 1000, count: 1000 });
    assert.deepEqual(await blocks.reserveBlock(), { firstProducerId: 2000, count: 1000 });
  });

  for (const [known, first] of [
    [0, 1000],
    [999, 1000],
    [1000, 2000],
    [123_456, 124_000],
  ] as const) {
    test(`hands out ${first} first when ${known} is known already`, async () => {
      const blocks = new ZkProducerIdBlocks(tree(), 1);
      await blocks.skipThrough(known);
      assert.equal((await blocks.reserveBlock()).firstProducerId, first);
    });
  }

  test('skips nothing when the count is further already, and never back', async () => {
    const blocks = new ZkProducerIdBlocks(tree(1), 1);
    await blocks.reserveBlock();
    await blocks.skipThrough(5);
    assert.equal((await blocks.reserveBlock()).firstProducerId, 2000);
    await blocks.skipThrough(2999);
    assert.equal((await blocks.reserveBlock()).firstProducerId, 3000);
  });
});
