// Produce in every version and record format, and what a broker refuses.

import { initProducerId, produce } from '@ottla/protocol';
import {
  type BatchOptions,
  batchOf,
  corruptBatch,
  FIXED_TIMESTAMP,
  magicOfProduceVersion,
  withChecksum,
} from '../batches.ts';
import { type AskOptions, ask, type Step, versionsBetween } from '../step.ts';
import { createSteps } from './topics.ts';

const TIMEOUT_MS = 10_000;

export function produceSteps(): Step[] {
  return [
    ...createSteps('create topics to produce to', [
      { name: 'produced', numPartitions: 3 },
      { name: 'compacted', configs: { 'cleanup.policy': 'compact' } },
      { name: 'append-time', configs: { 'message.timestamp.type': 'LogAppendTime' } },
      {
        name: 'narrow-time',
        configs: { 'message.timestamp.before.max.ms': '1000', 'message.timestamp.after.max.ms': '1000' },
      },
      { name: 'small-messages', configs: { 'max.message.bytes': '200' } },
      { name: 'two-in-sync', configs: { 'min.insync.replicas': '2' } },
      { name: 'recompressed', configs: { 'compression.type': 'gzip' } },
      { name: 'codecs' },
      { name: 'idempotent' },
    ]),
    ...acceptedSteps(),
    ...refusedSteps(),
    ...codecSteps(),
    ...idempotentSteps(),
  ];
}

/** Produces `records` to one partition, with acks=all. */
export function produceRequest(topic: string, records: Buffer, { partition = 0, acks = -1 } = {}) {
  return {
    acks,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: topic, partitionData: [{ index: partition, records }] }],
  };
}

/** A batch in the format of the version's clients. */
function versionBatch(version: number, values: readonly string[], options: BatchOptions = {}): Buffer {
  return batchOf(values, { magic: magicOfProduceVersion(version), ...options });
}

function acceptedSteps(): Step[] {
  const values = (version: number) => [`first of ${version}`, `second of ${version}`];
  return [
    ask('produce with acks=1', produce, (version) =>
      produceRequest('produced', versionBatch(version, values(version)), { acks: 1 }),
    ),
    ask('produce with acks=-1', produce, (version) =>
      produceRequest('produced', versionBatch(version, values(version))),
    ),
    ask(
      'produce with acks=0',
      produce,
      (version) => produceRequest('produced', versionBatch(version, ['quiet']), { acks: 0 }),
      {
        unanswered: true,
      },
    ),
    ask('produce after acks=0', produce, (version) => produceRequest('produced', versionBatch(version, ['loud']))),
    ask('produce to several partitions', produce, (version) => ({
      acks: -1,
      timeoutMs: TIMEOUT_MS,
      topicData: [
        {
          name: 'produced',
          partitionData: [1, 2, 3].map((index) => ({ index, records: versionBatch(version, ['one']) })),
        },
        { name: 'unknown', partitionData: [{ index: 0, records: versionBatch(version, ['lost']) }] },
      ],
    })),
    ask('produce to a topic with the time of appending', produce, (version) =>
      produceRequest('append-time', versionBatch(version, values(version))),
    ),
    ask('produce to a topic that compresses', produce, (version) =>
      produceRequest('recompressed', versionBatch(version, values(version))),
    ),
    ask('produce keyed records to a compacted topic', produce, (version) =>
      produceRequest('compacted', versionBatch(version, values(version))),
    ),
    ask('produce no topics', produce, () => ({ acks: 1, timeoutMs: TIMEOUT_MS, topicData: [] })),
  ];
}

function refusedSteps(): Step[] {
  const one = (version: number) => versionBatch(version, ['one']);
  const fromThree = { versions: versionsBetween(3, 11) };
  return [
    ask('produce with acks=7', produce, (version) => produceRequest('produced', one(version), { acks: 7 })),
    ask('produce to an unknown topic', produce, (version) => produceRequest('unknown', one(version))),
    ask('produce to an unknown partition', produce, (version) =>
      produceRequest('produced', one(version), { partition: 9 }),
    ),
    ask('produce to an impossible topic', produce, (version) => produceRequest('no/name', one(version))),
    ask('produce to an internal topic', produce, (version) => produceRequest('__consumer_offsets', one(version))),
    ask('produce a batch with a wrong checksum', produce, (version) =>
      produceRequest('produced', corruptBatch(magicOfProduceVersion(version))),
    ),
    ask('produce more than the topic takes', produce, (version) =>
      produceRequest('small-messages', versionBatch(version, ['x'.repeat(300)])),
    ),
    ask('produce less than all in-sync replicas wanted', produce, (version) =>
      produceRequest('two-in-sync', one(version)),
    ),
    ask('produce with acks=1 where more replicas are wanted', produce, (version) =>
      produceRequest('two-in-sync', one(version), { acks: 1 }),
    ),
    ask('produce records without keys to a compacted topic', produce, (version) =>
      produceRequest('compacted', versionBatch(version, ['a', 'b', 'c'], { withoutKeys: true })),
    ),
    ask(
      'produce records of long ago',
      produce,
      (version) => produceRequest('narrow-time', versionBatch(version, ['a', 'b'], { timestamp: FIXED_TIMESTAMP })),
      fromThree,
    ),
    ask(
      'produce records of the future',
      produce,
      (version) => produceRequest('narrow-time', versionBatch(version, ['a', 'b'], { timestamp: 4_000_000_000_000 })),
      fromThree,
    ),
    ask('produce two batches at once', produce, (version) =>
      produceRequest('produced', Buffer.concat([one(version), one(version)])),
    ),
    ask(
      'produce an old format in a new version',
      produce,
      () => produceRequest('produced', batchOf(['old'], { magic: 1 })),
      fromThree,
    ),
    ask('produce a new format in an old version', produce, () => produceRequest('produced', batchOf(['new'])), {
      versions: [0, 1, 2],
    }),
    ask('produce an empty record set', produce, () => produceRequest('produced', Buffer.alloc(0))),
    ask('produce half a batch', produce, (version) => produceRequest('produced', one(version).subarray(0, 30))),
    ask(
      'produce a batch of an unknown format',
      produce,
      () => produceRequest('produced', changed(batchOf(['a']), 16, 3)),
      {
        versions: [3, 11],
      },
    ),
    ask(
      'produce a batch that says it is a control batch',
      produce,
      () => produceRequest('produced', withAttributes(batchOf(['a']), 0x20)),
      { versions: [3, 8, 11] },
    ),
    ask(
      'produce a batch with a count that is wrong',
      produce,
      () => produceRequest('produced', withCount(batchOf(['a', 'b']), 3)),
      {
        versions: [3, 8, 11],
      },
    ),
  ];
}

function changed(batch: Buffer, position: number, value: number): Buffer {
  batch.writeUInt8(value, position);
  return batch;
}

const ATTRIBUTES_POSITION = 21;
const RECORD_COUNT_POSITION = 57;

function withAttributes(batch: Buffer, attributes: number): Buffer {
  batch.writeInt16BE(attributes, ATTRIBUTES_POSITION);
  return withChecksum(batch);
}

function withCount(batch: Buffer, count: number): Buffer {
  batch.writeInt32BE(count, RECORD_COUNT_POSITION);
  return withChecksum(batch);
}

function codecSteps(): Step[] {
  const compressed = (compressionType: 'gzip' | 'snappy' | 'lz4' | 'zstd') => (version: number) => {
    const magic = magicOfProduceVersion(version);
    return produceRequest(
      'codecs',
      batchOf([`${compressionType} of ${version}`, 'a'.repeat(200)], { magic, compressionType }),
    );
  };
  return [
    ask('produce with gzip', produce, compressed('gzip')),
    ask('produce with snappy', produce, compressed('snappy')),
    ask('produce with lz4', produce, compressed('lz4'), { versions: versionsBetween(2, 11) }),
    ask('produce with zstd', produce, compressed('zstd'), { versions: versionsBetween(3, 11) }),
  ];
}

function idempotentSteps(): Step[] {
  let producerId = -1;
  const send = (
    name: string,
    baseSequence: number,
    options: { producerEpoch?: number; producerId?: number; count?: number } = {},
    more: AskOptions<unknown> = {},
  ) =>
    ask(
      name,
      produce,
      (version) => {
        const { producerEpoch = 0, count = 2 } = options;
        const values = Array.from({ length: count }, (_, index) => `${name} ${version} ${index}`);
        const batch = batchOf(values, { producerId: options.producerId ?? producerId, producerEpoch, baseSequence });
        return produceRequest('idempotent', batch);
      },
      { versions: [3, 5, 7, 11], ...more },
    );
  return [
    ask('get a producer id', initProducerId, () => ({ transactionalId: null, transactionTimeoutMs: 1000 }), {
      versions: [4],
      onAnswer: (answer) => {
        producerId = answer.producerId;
      },
    }),
    send('produce sequence 0, again and again', 0),
    send('produce sequence 2, again and again', 2),
    send('produce sequence 0 again after 2', 0),
    send('produce part of a batch again', 1, { count: 1 }),
    send('produce after a gap', 9),
    send('produce with a greater epoch and a sequence that is not 0', 5, { producerEpoch: 1 }),
    send('produce with a greater epoch', 0, { producerEpoch: 2 }),
    send('produce with a smaller epoch', 4, { producerEpoch: 0 }),
    send('produce as a producer nobody knows, from the middle', 7, { producerId: 777_777 }),
    send('produce as a producer nobody knows, again', 9, { producerId: 777_777 }),
  ];
}
