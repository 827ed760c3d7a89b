// Makes the answers of two brokers, or of two runs of one, comparable: what cannot be equal is replaced by a name for what it is,
// record sets are unpacked, and lists whose order Kafka leaves to a hash map are sorted.

import { ZERO_UUID } from '@ottla/base';
import { batchesIn, type RecordBatch } from '@ottla/records';

export interface NormaliserOptions {
  /** The broker's. */
  readonly port: number;
  /** The broker's `log.dirs`. */
  readonly logDir: string;
  readonly nowMs: () => number;
}

const JAVA_UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const MILLISECONDS = /\b\d{13}\b/g;
/** A time this near to the present is the broker's; those of the scenario are years away. */
const NEAR_MS = 24 * 3_600_000;
/** Their order has a meaning. */
const ORDERED = new Set([
  'replicaNodes',
  'isrNodes',
  'replicas',
  'isr',
  'synonyms',
  'records',
  'batches',
  'oldStyleOffsets',
]);

export class Normaliser {
  readonly #options: NormaliserOptions;
  readonly #topicNames = new Map<string, string>();

  constructor(options: NormaliserOptions) {
    this.#options = options;
  }

  /** @returns plain JSON */
  normalise(answer: unknown): unknown {
    this.#learnTopicNames(answer);
    return this.#value('', answer);
  }

  #learnTopicNames(value: unknown): void {
    if (Array.isArray(value)) for (const element of value) this.#learnTopicNames(element);
    else if (isPlainObject(value)) {
      if (typeof value.topicId === 'string' && typeof value.name === 'string') {
        if (value.topicId !== ZERO_UUID) this.#topicNames.set(value.topicId, value.name);
      }
      for (const field of Object.values(value)) this.#learnTopicNames(field);
    }
  }

  #value(name: string, value: unknown): unknown {
    if (typeof value === 'string') return this.#text(name, value);
    if (typeof value === 'number') return this.#number(name, value);
    if (typeof value === 'bigint') return this.#number(name, Number(value));
    if (Buffer.isBuffer(value)) return name === 'records' ? this.#batches(value) : value.toString('latin1');
    if (Array.isArray(value)) return this.#array(name, value);
    if (!isPlainObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([field, child]) => [field, this.#value(field, child)]));
  }

  #array(name: string, elements: readonly unknown[]): unknown[] {
    const values = elements.map((element) => this.#value(name, element));
    if (ORDERED.has(name)) return values;
    return values
      .map((value) => ({ value, key: JSON.stringify(value) }))
      .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
      .map(({ value }) => value);
  }

  #text(name: string, text: string): string {
    if (name === 'clusterId') return '<cluster id>';
    if (name === 'documentation') return '<documentation>';
    if (name === 'topicId')
      return text === ZERO_UUID ? '' : `<id of ${this.#topicNames.get(text) ?? 'an unknown topic'}>`;
    const { port, logDir } = this.#options;
    return text
      .replace(JAVA_UUID, '<uuid>')
      .replace(MILLISECONDS, (digits) => String(this.#number('timestamp', Number(digits))))
      .replaceAll(`:${port}`, ':<port>')
      .replaceAll('127.0.0.1:0', '127.0.0.1:<port>')
      .replaceAll(logDir, '<log dir>');
  }

  #number(name: string, value: number): number | string {
    if (name === 'port' && value === this.#options.port) return '<port>';
    if (name === 'sessionId' && value !== 0) return '<session id>';
    if ((name === 'totalBytes' || name === 'usableBytes') && value > 0) return '<bytes>';
    if (/time|offset/i.test(name) && Math.abs(value - this.#options.nowMs()) < NEAR_MS) return '<now>';
    if (Number.isNaN(value)) return 'NaN';
    return Object.is(value, -0) ? 0 : value;
  }

  /** What is in a record set, batch by batch. */
  #batches(bytes: Buffer): unknown {
    const batches: unknown[] = [];
    let end = 0;
    for (const batch of batchesIn(bytes)) {
      batches.push(this.#batch(batch));
      end = batch.position + batch.sizeInBytes;
    }
    return { sizeInBytes: bytes.length, cutBytes: bytes.length - end, batches };
  }

  #batch(batch: RecordBatch): unknown {
    const common = {
      magic: batch.magic,
      attributes: batch.attributes,
      baseOffset: batch.baseOffset,
      lastOffset: batch.lastOffset,
      isValid: batch.isValid(),
    };
    const header =
      batch.magic === 2
        ? {
            partitionLeaderEpoch: batch.partitionLeaderEpoch,
            producerId: batch.producerId,
            producerEpoch: batch.producerEpoch,
            baseSequence: batch.baseSequence,
            maxTimestamp: this.#number('timestamp', batch.maxTimestamp),
          }
        : {};
    return { ...common, ...header, records: [...batch.records()].map((record) => this.#record(record)) };
  }

  #record(record: {
    offset: number;
    timestamp: number;
    key: Buffer | null;
    value: Buffer | null;
    headers: readonly { key: string; value: Buffer | null }[];
  }): string {
    const { offset, key, value, headers } = record;
    const timestamp = this.#number('timestamp', record.timestamp);
    const text = (bytes: Buffer | null) =>
      bytes === null ? 'null' : JSON.stringify(shortened(bytes.toString('latin1')));
    const tail = headers.map((header) => ` ${header.key}=${text(header.value)}`).join('');
    return `${offset} at ${timestamp}: ${text(key)} -> ${text(value)}${tail}`;
  }
}

function shortened(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 20)}… ${text.length} bytes`;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
}
