// Do our batches and records say of a golden record set what Kafka says of it?

import { isDeepStrictEqual } from 'node:util';
import { batchesIn, loadCompressionCodecs } from '@ottla/records';

await loadCompressionCodecs();

/** @param set { name, hex, batches }, a line of record-batches.jsonl
 *  @returns what differs; undefined when nothing does */
export function checkRecordSet(set) {
  try {
    const batches = [...batchesIn(Buffer.from(set.hex, 'hex'))];
    if (batches.some((batch) => !batch.isValid())) return `${set.name}: a checksum does not hold`;
    return isDeepStrictEqual(batches.map(described), set.batches) ? undefined : `${set.name}: decodes differently`;
  } catch (error) {
    return `${set.name}: ${error}`;
  }
}

function described(batch) {
  return {
    magic: batch.magic,
    baseOffset: batch.baseOffset,
    lastOffset: batch.lastOffset,
    compression: batch.compressionType,
    timestampType: batch.timestampType,
    maxTimestamp: batch.maxTimestamp,
    producerId: batch.producerId,
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    isTransactional: batch.isTransactional,
    isControlBatch: batch.isControlBatch,
    partitionLeaderEpoch: batch.partitionLeaderEpoch,
    records: [...batch.records()].map(describedRecord),
  };
}

function describedRecord(record) {
  return {
    offset: record.offset,
    timestamp: record.timestamp,
    keyHex: hexOrNull(record.key),
    valueHex: hexOrNull(record.value),
    headers: record.headers.map((header) => ({ key: header.key, valueHex: hexOrNull(header.value) })),
  };
}

const hexOrNull = (bytes) => (bytes === null ? null : bytes.toString('hex'));
