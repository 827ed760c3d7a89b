// Appends to the topics of the golden log dirs, and remembers what a reader of each isolation level must find in addition. It begins with one
// broker and finishes with the next: an idempotent producer goes on with its sequence, a transaction is committed where it was not begun.

import assert from 'node:assert/strict';
import { Errors, type TopicPartition, topicPartitionKey } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { initProducerId } from '@ottla/protocol';
import { type CompressionType, RecordsBuilder } from '@ottla/records';
import { type CommittedOffset, ISOLATIONS, type Isolation, toTopicPartition } from './golden-log-dirs.ts';
import { TransactionalProducer, untilReady } from './transactions.ts';
import { batchOf, commitOffset, findCoordinatorOf, type Idempotence, produceTo } from './wire.ts';

const CODECS: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const RECORDS_PER_BATCH = 20;
const TIMESTAMP_MS = 1_700_100_000_000;
/** A transaction that Kafka left open ends what is committed here. */
const HELD_BACK = 'txn-0';

const IDEMPOTENT: TopicPartition = { topic: 'plain', partition: 0 };
const TRANSACTIONAL: readonly TopicPartition[] = [
  { topic: 'plain', partition: 1 },
  { topic: 'gzip', partition: 0 },
];
const LEFT_OPEN: TopicPartition = { topic: 'lz4', partition: 0 };

export class GoldenWriter {
  /** By partition the values, in the order of their offsets. */
  readonly added: Readonly<Record<Isolation, Map<string, string[]>>> = {
    read_uncommitted: new Map(),
    read_committed: new Map(),
  };
  readonly offsets: CommittedOffset[] = [];
  #client: RequestClient;
  #idempotence: Idempotence = { producerId: -1, producerEpoch: -1, baseSequence: 0 };
  /** The last batch of the idempotent producer, and where it is. */
  #lastBatch: { values: readonly string[]; baseOffset: number } = { values: [], baseOffset: -1 };
  readonly #producerIds = new Set<number>();
  readonly #leftOpen: TransactionalProducer;

  constructor(client: RequestClient) {
    this.#client = client;
    this.#leftOpen = new TransactionalProducer(client, 'ottla-left-open', 600_000);
  }

  async begin(partitions: readonly string[]): Promise<void> {
    for (const name of partitions) await this.#appendInEachCodec(name);
    await this.#initIdempotence();
    for (let i = 0; i < 7; i++) await this.#appendIdempotent(`idempotent-${i}`);
    await this.#commitOffset('ottla-group', IDEMPOTENT, 700);
    await this.#transaction('ottla-a', 'committed', ISOLATIONS);
    await this.#transaction('ottla-b', 'aborted', ['read_uncommitted']);
    assert.equal(await untilReady(() => this.#leftOpen.init()), Errors.NONE);
    assert.equal(await untilReady(() => this.#leftOpen.addPartitions([LEFT_OPEN])), Errors.NONE);
    await this.#produceInTransaction(this.#leftOpen, LEFT_OPEN, 'left open', ISOLATIONS);
  }

  /** @param client of the broker that has taken over */
  async finish(client: RequestClient): Promise<void> {
    this.#client = client;
    await this.#repeatIdempotent();
    await this.#appendIdempotent('idempotent after');
    await this.#initIdempotence();
    await this.#appendIdempotent('new idempotent');
    this.#leftOpen.reconnect(client);
    // Known already; answered when the coordinator has read its log.
    assert.equal(await untilReady(() => this.#leftOpen.addPartitions([LEFT_OPEN])), Errors.NONE);
    await this.#produceInTransaction(this.#leftOpen, LEFT_OPEN, 'gone on with', ISOLATIONS);
    await this.#end(this.#leftOpen, true);
    await this.#transaction('ottla-a', 'committed after', ISOLATIONS);
  }

  /** With a third broker, where the first two know the transactional id. */
  async goOn(client: RequestClient): Promise<void> {
    this.#client = client;
    await this.#initIdempotence();
    await this.#appendIdempotent('newest idempotent');
    await this.#transaction('ottla-a', 'committed again', ISOLATIONS);
  }

  async #appendInEachCodec(name: string): Promise<void> {
    for (const compressionType of CODECS) {
      const values = Array.from({ length: RECORDS_PER_BATCH }, (_, i) => `${name} ${compressionType} ${i}`);
      const builder = new RecordsBuilder({
        magic: 2,
        compressionType,
        timestampType: 'CreateTime',
        baseOffset: 0,
      });
      const headers = [{ key: 'codec', value: Buffer.from(compressionType) }];
      values.forEach((value, i) => {
        const timestamp = TIMESTAMP_MS + i;
        builder.append({ timestamp, key: Buffer.from(`${compressionType}-${i}`), value: Buffer.from(value), headers });
      });
      await this.#produce(toTopicPartition(name), builder.build());
      this.#add(toTopicPartition(name), values, name === HELD_BACK ? ['read_uncommitted'] : ISOLATIONS);
    }
  }

  /** A new producer, whose id no broker has given before. */
  async #initIdempotence(): Promise<void> {
    const code = await untilReady(async () => {
      const request = { transactionalId: null, transactionTimeoutMs: 1000 };
      const { errorCode, producerId, producerEpoch } = await this.#client.send(initProducerId, request, 4);
      this.#idempotence = { producerId, producerEpoch, baseSequence: 0 };
      return errorCode;
    });
    assert.equal(code, Errors.NONE);
    const { producerId } = this.#idempotence;
    assert.ok(!this.#producerIds.has(producerId), `producer id ${producerId} is given twice`);
    this.#producerIds.add(producerId);
  }

  async #appendIdempotent(value: string): Promise<void> {
    const values = Array.from({ length: RECORDS_PER_BATCH }, (_, i) => `${value} ${i}`);
    const baseOffset = await this.#produce(IDEMPOTENT, batchOf(values, this.#idempotence));
    this.#lastBatch = { values, baseOffset };
    const baseSequence = this.#idempotence.baseSequence + values.length;
    this.#idempotence = { ...this.#idempotence, baseSequence };
    this.#add(IDEMPOTENT, values, ISOLATIONS);
  }

  /** Who has the state of the producer knows the batch. */
  async #repeatIdempotent(): Promise<void> {
    const { values, baseOffset } = this.#lastBatch;
    const baseSequence = this.#idempotence.baseSequence - values.length;
    const found = await this.#produce(IDEMPOTENT, batchOf(values, { ...this.#idempotence, baseSequence }));
    assert.equal(found, baseOffset, 'a repeated batch is where it was');
  }

  async #transaction(transactionalId: string, what: string, isolations: readonly Isolation[]): Promise<void> {
    const producer = new TransactionalProducer(this.#client, transactionalId);
    const isCommitted = isolations.includes('read_committed');
    assert.equal(await untilReady(() => producer.init()), Errors.NONE);
    assert.equal(await untilReady(() => producer.addPartitions(TRANSACTIONAL)), Errors.NONE);
    for (const tp of TRANSACTIONAL) await this.#produceInTransaction(producer, tp, what, isolations);
    if (isCommitted) await this.#commitOffsetIn(producer, `group of ${what}`, IDEMPOTENT, 71);
    await this.#end(producer, isCommitted);
  }

  async #produceInTransaction(
    producer: TransactionalProducer,
    tp: TopicPartition,
    what: string,
    isolations: readonly Isolation[],
  ): Promise<void> {
    const values = Array.from({ length: RECORDS_PER_BATCH }, (_, i) => `${topicPartitionKey(tp)} ${what} ${i}`);
    const code = await untilReady(async () => (await producer.produce([{ tp, values }]))[0]?.errorCode ?? -1);
    assert.equal(code, Errors.NONE, what);
    this.#add(tp, values, isolations);
  }

  async #end(producer: TransactionalProducer, isCommitted: boolean): Promise<void> {
    const ended = await untilReady(
      () => producer.end(isCommitted),
      async () => {
        await findCoordinatorOf(this.#client, producer.transactionalId, 'transaction');
      },
    );
    assert.equal(ended, Errors.NONE, `the end of ${producer.transactionalId}`);
    // The end is only decided. When its markers are written, the coordinator takes the next request.
    assert.equal(await untilReady(() => producer.init()), Errors.NONE);
  }

  async #commitOffset(group: string, tp: TopicPartition, offset: number): Promise<void> {
    const code = await untilReady(
      () => commitOffset(this.#client, group, tp, offset),
      async () => {
        await findCoordinatorOf(this.#client, group, 'group');
      },
    );
    assert.equal(code, Errors.NONE, group);
    this.offsets.push({ group, tp, offset });
  }

  async #commitOffsetIn(
    producer: TransactionalProducer,
    group: string,
    tp: TopicPartition,
    offset: number,
  ): Promise<void> {
    assert.equal(await untilReady(() => producer.addOffsets(group)), Errors.NONE);
    assert.equal(await untilReady(() => producer.commitOffset(group, tp, offset)), Errors.NONE);
    this.offsets.push({ group, tp, offset });
  }

  /** @returns the offset of the first record */
  async #produce(tp: TopicPartition, records: Buffer): Promise<number> {
    let baseOffset = -1;
    const code = await untilReady(async () => {
      const answer = await produceTo(this.#client, tp, records, -1);
      baseOffset = answer.baseOffset;
      return answer.errorCode;
    });
    assert.equal(code, Errors.NONE, topicPartitionKey(tp));
    return baseOffset;
  }

  #add(tp: TopicPartition, values: readonly string[], isolations: readonly Isolation[]): void {
    const name = topicPartitionKey(tp);
    for (const isolation of isolations) {
      const known = this.added[isolation];
      known.set(name, [...(known.get(name) ?? []), ...values]);
    }
  }
}
