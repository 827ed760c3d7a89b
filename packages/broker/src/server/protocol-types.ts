// The shapes of `@ottla/protocol` that the server is written against.

/** T as a codec's `read` returns it: every field present, deeply; records are bytes. */
export type Decoded<T> = T extends Buffer
  ? Buffer
  : T extends readonly (infer Item)[]
    ? Decoded<Item>[]
    : T extends object
      ? { [Field in keyof T]-?: Decoded<Exclude<T[Field], undefined>> }
      : T;

export interface MessageCodec<T> {
  read(reader: unknown, version: number): Decoded<T>;
  write(writer: unknown, value: T, version: number): void;
}

export interface ApiCodec<Request, Response> {
  readonly apiKey: number;
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  readonly flexibleSince: number;
  readonly request: MessageCodec<Request>;
  readonly response: MessageCodec<Response>;
}
