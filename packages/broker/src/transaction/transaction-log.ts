// Transactions as records of __transaction_state, as Kafka 3.9 in ZooKeeper mode writes them: key version 0, value version 0.
// Source: kafka.coordinator.transaction.TransactionLog, schemas TransactionLogKey and TransactionLogValue.

import { ByteReader, ByteWriter, Errors, KafkaError } from '@ottla/base';
import { transactionLogKey, transactionLogValue } from '@ottla/protocol';
import { type KafkaRecord, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, RecordsBuilder } from '@ottla/records';
import { TransactionMetadata, type TransitMetadata } from './transaction-metadata.ts';
import { TransactionPartitions } from './transaction-partitions.ts';
import { transactionStateId, transactionStateOf } from './transaction-state.ts';

const KEY_VERSION = 0;
const VALUE_VERSION = 0;
const VALUE_VERSION_MAX = 1;

/** One line of the log; without a transit a tombstone. */
export interface TransactionLogEntry {
  readonly transactionalId: string;
  readonly transit: TransitMetadata | undefined;
}

/** One batch that says `entries`. */
export function transactionLogRecords(entries: readonly TransactionLogEntry[], nowMs: number): Buffer {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: 'CreateTime',
    baseOffset: 0,
  });
  for (const { transactionalId, transit } of entries) {
    builder.append({
      timestamp: nowMs,
      key: encodeKey(transactionalId),
      value: transit ? encodeValue(transit) : null,
    });
  }
  return builder.build();
}

function encodeKey(transactionalId: string): Buffer {
  const writer = new ByteWriter();
  writer.writeInt16(KEY_VERSION);
  transactionLogKey.write(writer, { transactionalId }, KEY_VERSION);
  return writer.finishBuffer();
}

function encodeValue(transit: TransitMetadata): Buffer {
  const writer = new ByteWriter();
  writer.writeInt16(VALUE_VERSION);
  const partitions = transit.partitions
    .byTopic()
    .map(({ topic, partitions: partitionIds }) => ({ topic, partitionIds }));
  transactionLogValue.write(
    writer,
    {
      producerId: transit.producerId,
      producerEpoch: transit.producerEpoch,
      transactionTimeoutMs: transit.timeoutMs,
      transactionStatus: transactionStateId(transit.state),
      transactionPartitions: transit.state === 'Empty' ? null : partitions,
      transactionLastUpdateTimestampMs: transit.lastUpdateTimestampMs,
      transactionStartTimestampMs: transit.startTimestampMs,
    },
    VALUE_VERSION,
  );
  return writer.finishBuffer();
}

/** @returns undefined for a key of a version this broker does not know; metadata undefined for a tombstone
 *  @throws KafkaError CORRUPT_MESSAGE when the record is not what Kafka writes */
export function readTransactionLogRecord(
  record: KafkaRecord,
): { transactionalId: string; metadata: TransactionMetadata | undefined } | undefined {
  if (record.key === null) throw corrupt(record, 'has no key');
  const key = new ByteReader(record.key);
  const keyVersion = key.readInt16();
  if (keyVersion !== KEY_VERSION) return undefined;
  const { transactionalId } = transactionLogKey.read(key, keyVersion);
  return {
    transactionalId,
    metadata: record.value === null ? undefined : readValue(record, transactionalId, record.value),
  };
}

function readValue(record: KafkaRecord, transactionalId: string, bytes: Buffer): TransactionMetadata {
  const reader = new ByteReader(bytes);
  const version = reader.readInt16();
  if (version < 0 || version > VALUE_VERSION_MAX) throw corrupt(record, `has value version ${version}`);
  const value = transactionLogValue.read(reader, version);
  const state = transactionStateOf(value.transactionStatus);
  if (state === undefined) throw corrupt(record, `has transaction status ${value.transactionStatus}`);
  const partitions = new TransactionPartitions();
  for (const { topic, partitionIds } of value.transactionPartitions ?? []) {
    for (const partition of partitionIds) partitions.add({ topic, partition });
  }
  return new TransactionMetadata(transactionalId, {
    producerId: value.producerId,
    lastProducerId: NO_PRODUCER_ID,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    state,
    partitions,
    startTimestampMs: value.transactionStartTimestampMs,
    lastUpdateTimestampMs: value.transactionLastUpdateTimestampMs,
  });
}

function corrupt(record: KafkaRecord, what: string): KafkaError {
  return new KafkaError(Errors.CORRUPT_MESSAGE, `the transaction log record at offset ${record.offset} ${what}`);
}
