import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ByteReader, ByteWriter, MalformedMessageError, ZERO_UUID } from '@ottla/base';
import type { MessageCodec } from './codec.ts';
import { apiCodecs } from './codecs.ts';
import {
  apiVersions,
  consumerGroupMemberMetadataValue,
  fetch,
  findCoordinator,
  groupMetadataKey,
  metadata,
  offsetFetch,
  produce,
} from './generated/index.ts';
import { UnsupportedVersionError } from './unsupported-version-error.ts';

const bytesOf = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

function encode<T>(codec: MessageCodec<T>, value: T, version: number): Buffer {
  const writer = new ByteWriter();
  codec.write(writer, value, version);
  return writer.finishBuffer();
}

describe('versions', () => {
  test('that a message lacks are refused in both directions', () => {
    for (const version of [-1, 14, Number.NaN]) {
      const reader = new ByteReader(Buffer.alloc(64));
      assert.throws(() => produce.request.read(reader, version), UnsupportedVersionError);
      assert.throws(
        () => encode(produce.request, { acks: 1, timeoutMs: 1, topicData: [] }, version),
        UnsupportedVersionError,
      );
    }
  });

  test('may have gaps in records of internal topics', () => {
    assert.deepEqual(
      [0, 1, 2].map((version) => groupMetadataKey.hasVersion(version)),
      [true, false, true],
    );
    assert.throws(() => encode(groupMetadataKey, { group: 'g' }, 1), UnsupportedVersionError);
  });

  test('of request and response are the same in every API', () => {
    for (const { name, minVersion, maxVersion, flexibleSince, request, response } of apiCodecs.values()) {
      for (const codec of [request, response]) {
        assert.deepEqual([codec.minVersion, codec.maxVersion], [minVersion, maxVersion], name);
        assert.equal(codec.flexibleSince, flexibleSince, name);
      }
    }
  });
});

describe('a field that the version lacks', () => {
  test('reads as its default', () => {
    const request = fetch.request.read(new ByteReader(bytesOf('ffffffff 000001f4 00000001 00000000')), 0);
    assert.equal(request.maxBytes, 0x7fffffff);
    assert.equal(request.sessionEpoch, -1);
    assert.deepEqual(request.replicaState, { replicaId: -1, replicaEpoch: -1n });
  });

  test('is dropped from writing when it is ignorable', () => {
    const response = { throttleTimeMs: 5, responses: [] };
    assert.equal(encode(fetch.response, response, 0).toString('hex'), '00000000');
  });

  test('fails the writing when it is not', () => {
    const request = { transactionalId: 'tx', acks: -1, timeoutMs: 1, topicData: [] };
    assert.throws(() => encode(produce.request, request, 2), {
      name: 'UnsupportedVersionError',
      message: 'ProduceRequest version 2: transactionalId is set, but this version has no such field',
    });
    assert.ok(encode(produce.request, request, 3).length > 0);
  });

  test('does not fail the writing when it is set to its default', () => {
    const request = { transactionalId: null, acks: -1, timeoutMs: 1, topicData: [] };
    assert.equal(encode(produce.request, request, 0).toString('hex'), 'ffff0000000100000000');
  });
});

describe('null', () => {
  test('is written where the version allows it', () => {
    assert.equal(encode(metadata.request, { topics: null }, 1).toString('hex'), 'ffffffff');
  });

  test('fails the writing where it does not', () => {
    assert.throws(
      () => encode(metadata.request, { topics: null }, 0),
      /MetadataRequest version 0: topics must not be null/,
    );
  });

  test('is malformed where it must not be', () => {
    assert.throws(() => metadata.request.read(new ByteReader(bytesOf('ffffffff')), 0), MalformedMessageError);
    assert.throws(() => findCoordinator.request.read(new ByteReader(bytesOf('ffff')), 0), /in key at position 2/);
  });

  test('in a tagged struct takes one byte, as Kafka writes it', () => {
    const value = {
      instanceId: null,
      rackId: null,
      clientId: '',
      clientHost: '',
      subscribedTopicNames: [],
      subscribedTopicRegex: null,
      rebalanceTimeoutMs: 0,
      serverAssignor: null,
      classicMemberMetadata: null,
    };
    const bytes = encode(consumerGroupMemberMetadataValue, value, 0);
    assert.equal(bytes.toString('hex'), '000001010100000000000001000100');
    assert.deepEqual(consumerGroupMemberMetadataValue.read(new ByteReader(bytes), 0), value);
  });
});

describe('tagged fields', () => {
  test('that are unknown are stepped over', () => {
    const request = apiVersions.request.read(new ByteReader(bytesOf('02 61 02 62 02 05 02 aabb 7f 00')), 3);
    assert.deepEqual(request, { clientSoftwareName: 'a', clientSoftwareVersion: 'b' });
  });

  for (const [what, hex] of [
    ['more fields than bytes', '02 61 02 62 ff7f'],
    ['a field that is longer than the message', '02 61 02 62 01 05 40 aabb'],
    ['a count that ends in mid-number', '02 61 02 62 80'],
  ] as const) {
    test(`are malformed with ${what}`, () => {
      assert.throws(() => apiVersions.request.read(new ByteReader(bytesOf(hex)), 3), MalformedMessageError);
    });
  }

  test('are malformed when the payload does not fill its size', () => {
    // FetchRequest 15: replica state (tag 1) takes 13 bytes; here it says 14.
    const hex = '00000000 00000000 7fffffff 00 00000000 ffffffff 01 01 01 01 01 0e 00000001 0000000000000002 00 00';
    assert.throws(() => fetch.request.read(new ByteReader(bytesOf(hex)), 15), /in replicaState/);
  });

  test('with a payload of 128 bytes and more get a longer size', () => {
    const nodeEndpoints = [1, 2, 3].map((nodeId) => ({ nodeId, host: 'h'.repeat(100), port: 9092, rack: null }));
    const bytes = encode(produce.response, { responses: [], nodeEndpoints }, 10);
    assert.deepEqual(produce.response.read(new ByteReader(bytes), 10).nodeEndpoints, nodeEndpoints);
  });
});

describe('int64', () => {
  test('of an offset reads as a number that saturates', () => {
    const committed = (hex: string): number | undefined => {
      const bytes = bytesOf(`00000001 0001 74 00000001 00000000 ${hex} 0000 0000`);
      return offsetFetch.response.read(new ByteReader(bytes), 1).topics[0]?.partitions[0]?.committedOffset;
    };
    assert.equal(committed('ffffffffffffffff'), -1);
    assert.equal(committed('001fffffffffffff'), Number.MAX_SAFE_INTEGER);
    assert.equal(committed('0020000000000000'), Number.MAX_SAFE_INTEGER);
    assert.equal(committed('7fffffffffffffff'), Number.MAX_SAFE_INTEGER);
    assert.equal(committed('8000000000000000'), Number.MIN_SAFE_INTEGER);
  });
});

describe('records', () => {
  const request = (records: Buffer | readonly Buffer[] | null) => ({
    acks: 1,
    timeoutMs: 1,
    topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
  });

  test('are read as a view of the frame', () => {
    const frame = encode(produce.request, request(Buffer.from('records')), 9);
    const records = produce.request.read(new ByteReader(frame), 9).topicData[0]?.partitionData[0]?.records;
    assert.equal(records?.toString(), 'records');
    assert.equal(records?.buffer, frame.buffer);
  });

  test('are written without a copy when they are big, in one piece or in many', () => {
    const big = Buffer.alloc(4096, 1);
    for (const records of [big, [big, Buffer.alloc(10, 2)]]) {
      const writer = new ByteWriter();
      produce.request.write(writer, request(records), 9);
      const { sizeInBytes } = writer;
      const chunks = writer.finish();
      assert.ok(chunks.includes(big));
      assert.equal(
        sizeInBytes,
        chunks.reduce((sum, chunk) => sum + (Buffer.isBuffer(chunk) ? chunk.length : 0), 0),
      );
    }
  });

  test('may be null', () => {
    for (const version of [3, 9]) {
      const bytes = encode(produce.request, request(null), version);
      const read = produce.request.read(new ByteReader(bytes), version);
      assert.equal(read.topicData[0]?.partitionData[0]?.records, null);
      assert.equal(read.topicData[0]?.topicId, ZERO_UUID);
    }
  });
});
