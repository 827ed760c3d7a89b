// Records as producers send them, and as consumers understand them.

import { batchesIn, RecordsBuilder, type RecordsBuilderOptions } from '@ottla/records';

const TIMESTAMP = 1_700_000_000_000;

/** One batch, offsets from 0 as in a produce request. Each record's timestamp is one millisecond after the one before. */
export function batchOf(values: readonly string[], options: Partial<RecordsBuilderOptions> = {}): Buffer {
  const builder = new RecordsBuilder({
    magic: 2,
    compressionType: 'none',
    timestampType: options.magic === 0 ? 'NoTimestampType' : 'CreateTime',
    baseOffset: 0,
    ...options,
  });
  values.forEach((value, index) => {
    const timestamp = options.magic === 0 ? -1 : TIMESTAMP + index;
    builder.append({ timestamp, key: null, value: Buffer.from(value) });
  });
  return builder.build();
}

/** `offset:value` of every data record. */
export function valuesIn(records: Buffer | null): string[] {
  const values: string[] = [];
  for (const batch of batchesIn(records ?? Buffer.alloc(0))) {
    if (batch.isControlBatch) continue;
    for (const record of batch.records()) values.push(`${record.offset}:${record.value?.toString() ?? 'null'}`);
  }
  return values;
}

/** Timestamp of the record with this index. */
export function timestampOf(index: number): number {
  return TIMESTAMP + index;
}
