// What a generated codec is: the shape the other rooms see.

import type { ByteReader, ByteSource, ByteWriter } from '@ottla/base';

/** What `read` returns: T with every field present, at every depth; records are memory. */
export type Decoded<T> = T extends Buffer | ByteSource | readonly Buffer[]
  ? Buffer
  : T extends readonly (infer Element)[]
    ? Decoded<Element>[]
    : T extends object
      ? { [Name in keyof T]-?: Decoded<Exclude<T[Name], undefined>> }
      : T;

export interface MessageCodec<T> {
  /** Kafka's name of the message: 'ProduceRequest'. */
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First flexible version, Infinity when none. */
  readonly flexibleSince: number;
  /** Is `version` one that Kafka defines? Some records of internal topics have gaps between min and max. */
  hasVersion(version: number): boolean;
  /** Reads one message; bytes and records are views of the reader's Buffer. What follows the message stays unread.
   *  @throws MalformedMessageError, UnsupportedVersionError */
  read(reader: ByteReader, version: number): Decoded<T>;
  /** @throws UnsupportedVersionError when `version` cannot carry a field that is set and may not be dropped
   *  @throws RangeError for a number or string that does not fit its type */
  write(writer: ByteWriter, value: T, version: number): void;
}

export interface ApiCodec<Request, Response> {
  readonly apiKey: number;
  /** Kafka's name of the API: 'Produce'. */
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleSince: number;
  readonly request: MessageCodec<Request>;
  readonly response: MessageCodec<Response>;
}
