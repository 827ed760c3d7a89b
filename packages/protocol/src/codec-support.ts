// What generated codecs share: the frame of a codec, arrays of primitives, errors. For generated code only.

import type { ByteReader, ByteWriter, Uuid } from '@ottla/base';
import type { Decoded, MessageCodec } from './codec.ts';
import { UnsupportedVersionError } from './unsupported-version-error.ts';

export const EMPTY_BYTES: Buffer = Buffer.alloc(0);

/** A codec that refuses versions the message does not have. */
export function messageCodec<T>(options: {
  name: string;
  versions: readonly number[];
  flexibleSince: number;
  read: (reader: ByteReader, version: number) => Decoded<T>;
  write: (writer: ByteWriter, value: T, version: number) => void;
}): MessageCodec<T> {
  const { name, flexibleSince, read, write } = options;
  const versions = new Set(options.versions);
  const mustHaveVersion = (version: number): void => {
    if (!versions.has(version)) throw new UnsupportedVersionError(name, version, 'no such version');
  };
  return {
    name,
    minVersion: Math.min(...versions),
    maxVersion: Math.max(...versions),
    flexibleSince,
    hasVersion: (version) => versions.has(version),
    read(reader, version) {
      mustHaveVersion(version);
      return read(reader, version);
    },
    write(writer, value, version) {
      mustHaveVersion(version);
      write(writer, value, version);
    },
  };
}

/** A peer may announce more elements than it sends: room for more is made as they come. */
const ROOM_MAX = 1024;

/** An array to put `count` elements in. One that is pushed to would make room for 17 with the first, and most arrays have one. */
export function arrayFor<T>(count: number): T[] {
  return new Array<T>(Math.min(count, ROOM_MAX));
}

/** [from, to], both ends. */
export function versionRange(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** The error for a value that `version` has no place for. Source: KIP-482, "ignorable". */
export function unsupportedField(structName: string, field: string, version: number): UnsupportedVersionError {
  return new UnsupportedVersionError(structName, version, `${field} is set, but this version has no such field`);
}

/** The value, which `version` cannot write as null. @throws UnsupportedVersionError */
export function notNull<T>(value: T | null, structName: string, field: string, version: number): T {
  if (value === null) throw new UnsupportedVersionError(structName, version, `${field} must not be null`);
  return value;
}

export function readInt8Array(reader: ByteReader, count: number, field: string): number[] {
  const elements: number[] = [];
  for (let index = 0; index < count; index++) elements.push(reader.readInt8(field));
  return elements;
}

export function writeInt8Array(writer: ByteWriter, elements: readonly number[]): void {
  for (const element of elements) writer.writeInt8(element);
}

export function readInt16Array(reader: ByteReader, count: number, field: string): number[] {
  const elements: number[] = [];
  for (let index = 0; index < count; index++) elements.push(reader.readInt16(field));
  return elements;
}

export function writeInt16Array(writer: ByteWriter, elements: readonly number[]): void {
  for (const element of elements) writer.writeInt16(element);
}

export function readInt32Array(reader: ByteReader, count: number, field: string): number[] {
  const elements: number[] = [];
  for (let index = 0; index < count; index++) elements.push(reader.readInt32(field));
  return elements;
}

export function writeInt32Array(writer: ByteWriter, elements: readonly number[]): void {
  for (const element of elements) writer.writeInt32(element);
}

export function readInt64Array(reader: ByteReader, count: number, field: string): bigint[] {
  const elements: bigint[] = [];
  for (let index = 0; index < count; index++) elements.push(reader.readInt64(field));
  return elements;
}

export function writeInt64Array(writer: ByteWriter, elements: readonly bigint[]): void {
  for (const element of elements) writer.writeInt64(element);
}

export function readSafeInt64Array(reader: ByteReader, count: number, field: string): number[] {
  const elements: number[] = [];
  for (let index = 0; index < count; index++) elements.push(reader.readSafeInt64(field));
  return elements;
}

export function writeSafeInt64Array(writer: ByteWriter, elements: readonly number[]): void {
  for (const element of elements) writer.writeSafeInt64(element);
}

export function readUuidArray(reader: ByteReader, count: number, field: string): Uuid[] {
  const elements: Uuid[] = [];
  for (let index = 0; index < count; index++) elements.push(reader.readUuid(field));
  return elements;
}

export function writeUuidArray(writer: ByteWriter, elements: readonly Uuid[]): void {
  for (const element of elements) writer.writeUuid(element);
}

export function readStringArray(reader: ByteReader, count: number, field: string): string[] {
  const elements: string[] = [];
  for (let index = 0; index < count; index++) elements.push(reader.readString(field));
  return elements;
}

export function writeStringArray(writer: ByteWriter, elements: readonly string[]): void {
  for (const element of elements) writer.writeString(element);
}

export function readCompactStringArray(reader: ByteReader, count: number, field: string): string[] {
  const elements: string[] = [];
  for (let index = 0; index < count; index++) elements.push(reader.readCompactString(field));
  return elements;
}

export function writeCompactStringArray(writer: ByteWriter, elements: readonly string[]): void {
  for (const element of elements) writer.writeCompactString(element);
}

export function readInt32ArrayOrNull(reader: ByteReader, count: number, field: string): number[] | null {
  return count < 0 ? null : readInt32Array(reader, count, field);
}

export function readStringArrayOrNull(reader: ByteReader, count: number, field: string): string[] | null {
  return count < 0 ? null : readStringArray(reader, count, field);
}

export function readCompactStringArrayOrNull(reader: ByteReader, count: number, field: string): string[] | null {
  return count < 0 ? null : readCompactStringArray(reader, count, field);
}
