// One record as its readers see it, whatever the format it was written in. Source: org.apache.kafka.common.record.Record.

export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record. `key`, `value` and header values are views of the batch (or of its decompressed records), not copies. */
export interface KafkaRecord {
  readonly offset: number;
  /** Milliseconds since 1970; −1 where there is none (format 0). Of a LogAppendTime batch, the time of the append. */
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
  /** −1 where the producer is not idempotent. */
  readonly sequence: number;
}
