import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteReader, ByteWriter, MalformedMessageError } from '@ottla/base';
import { ApiKeys } from './api-keys.ts';
import { readRequestHeader, requestHeaderVersion, writeRequestHeader } from './request-header.ts';
import { readResponseHeader, responseHeaderVersion, writeResponseHeader } from './response-header.ts';

const readerOf = (hex: string): ByteReader => new ByteReader(Buffer.from(hex.replaceAll(' ', ''), 'hex'));

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter();
  write(writer);
  return writer.finishBuffer().toString('hex');
}

describe('readRequestHeader', () => {
  test('reads version 1 before a version that is not flexible', () => {
    const reader = readerOf('0003 0001 00000007 0003 616263 ff');
    const header = { apiKey: 3, apiVersion: 1, correlationId: 7, clientId: 'abc' };
    assert.deepEqual(readRequestHeader(reader), header);
    assert.equal(reader.remaining, 1);
  });

  test('reads version 2, tagged fields included, before a flexible version', () => {
    const reader = readerOf('0003 000c 00000007 0003 616263 01 05 02 aabb ff');
    assert.equal(readRequestHeader(reader).clientId, 'abc');
    assert.equal(reader.remaining, 1);
  });

  test('reads no client id before ControlledShutdown 0', () => {
    const reader = readerOf('0007 0000 00000007 00000001');
    assert.deepEqual(readRequestHeader(reader), { apiKey: 7, apiVersion: 0, correlationId: 7, clientId: null });
    assert.equal(reader.remaining, 4);
  });

  test('reads the header of an ApiVersions request that is newer than we know', () => {
    const reader = readerOf('0012 7fff 00000007 ffff 00');
    assert.deepEqual(readRequestHeader(reader), { apiKey: 18, apiVersion: 32767, correlationId: 7, clientId: null });
    assert.equal(reader.remaining, 0);
  });

  for (const [what, hex] of [
    ['an API key that Kafka does not define', '7fff 0000 00000007 ffff'],
    ['a negative API key', 'ffff 0000 00000007 ffff'],
    ['a frame of three bytes', '000300'],
    ['a client id that is longer than the frame', '0003 0001 00000007 7fff 61'],
    ['no bytes', ''],
  ] as const) {
    test(`refuses ${what}`, () => assert.throws(() => readRequestHeader(readerOf(hex)), MalformedMessageError));
  }

  test('reads what writeRequestHeader writes', () => {
    for (const [apiKey, apiVersion] of [
      [ApiKeys.Metadata, 0],
      [ApiKeys.Metadata, 9],
      [ApiKeys.ControlledShutdown, 1],
    ] as const) {
      const header = { apiKey, apiVersion, correlationId: -5, clientId: 'żółw' };
      const hex = written((writer) => writeRequestHeader(writer, header));
      assert.deepEqual(readRequestHeader(readerOf(hex)), header);
    }
  });

  test('has no version for an unknown key', () => assert.equal(requestHeaderVersion(9999, 0), undefined));
});

describe('response headers', () => {
  test('have tagged fields in flexible versions', () => {
    assert.equal(
      written((w) => writeResponseHeader(w, { apiKey: 3, apiVersion: 8, correlationId: 7 })),
      '00000007',
    );
    assert.equal(
      written((w) => writeResponseHeader(w, { apiKey: 3, apiVersion: 9, correlationId: 7 })),
      '0000000700',
    );
    assert.equal(readResponseHeader(readerOf('00000007 00'), { apiKey: 3, apiVersion: 9 }), 7);
  });

  test('never have tagged fields before ApiVersions, so that every client can read them', () => {
    for (const version of [0, 3, 4, 99]) assert.equal(responseHeaderVersion(ApiKeys.ApiVersions, version), 0);
  });

  test('have no version for an unknown key', () => {
    assert.throws(() => readResponseHeader(readerOf('00000007'), { apiKey: 9999, apiVersion: 0 }), RangeError);
  });
});
