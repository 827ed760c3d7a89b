// Does a codec agree with bytes that Kafka wrote? And do we have every message and version that Kafka's schemas name?

import { isDeepStrictEqual } from 'node:util';
import { ByteReader, ByteWriter } from '@ottla/base';
import { decodedValue, givenValue } from './json-values.ts';
import { type KnownMessage, knownMessages } from './known-messages.ts';
import type { JsonObject, MessageVector } from './vector-json.ts';

/** Holds a vector against our codecs in both directions. @returns what differs; undefined when nothing does */
export function checkMessageVector(vector: MessageVector): string | undefined {
  const candidates = knownMessages.get(vector.message) ?? [];
  const suitable = candidates.filter((known) => known.codec.hasVersion(vector.version));
  if (suitable.length === 0) return `no codec for ${vector.message} version ${vector.version}`;
  const failures = suitable.map((known) => checkAgainst(known, vector));
  if (failures.includes(undefined)) return undefined;
  return `${vector.message} version ${vector.version}: ${failures.join('; ')}`;
}

function checkAgainst({ codec, fields }: KnownMessage, { version, bytes, value }: MessageVector): string | undefined {
  try {
    const reader = new SaturationReader(bytes);
    const decoded = codec.read(reader, version);
    reader.expectEnd();
    if (!isDeepStrictEqual(decoded, decodedValue(fields, value))) return 'the bytes read as another value';
    if (!written(codec, decoded, version).equals(reader.saturatedBytes))
      return 'what was read is written as other bytes';
    if (!written(codec, givenValue(fields, value), version).equals(reader.saturatedBytes)) {
      return 'the value is written as other bytes';
    }
    return undefined;
  } catch (error) {
    return String(error);
  }
}

function written(codec: KnownMessage['codec'], value: object, version: number): Buffer {
  const writer = new ByteWriter();
  codec.write(writer, value, version);
  return writer.finishBuffer();
}

/** Keeps a copy of the bytes in which every int64 that is read as a number stands as that number, saturated. */
class SaturationReader extends ByteReader {
  readonly saturatedBytes: Buffer;

  constructor(bytes: Buffer) {
    super(bytes);
    this.saturatedBytes = Buffer.from(bytes);
  }

  override readSafeInt64(field = ''): number {
    const position = this.position;
    const value = super.readSafeInt64(field);
    this.saturatedBytes.writeBigInt64BE(BigInt(value), position);
    return value;
  }
}

/** The messages and versions of Kafka's schema files that we have no codec for, each as a sentence. */
export function missingMessages(schemas: readonly JsonObject[]): string[] {
  return schemas.flatMap(({ name, validVersions }) => {
    if (typeof name !== 'string' || typeof validVersions !== 'string')
      throw new TypeError('a schema without name or versions');
    const known = knownMessages.get(name) ?? [];
    return versionsOf(validVersions)
      .filter((version) => !known.some(({ codec }) => codec.hasVersion(version)))
      .map((version) => `no codec for ${name} version ${version}`);
  });
}

/** '0-5', '3' or 'none'. */
function versionsOf(text: string): number[] {
  if (text === 'none') return [];
  const [from = '', to = from] = text.split('-');
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => Number(from) + index);
}
