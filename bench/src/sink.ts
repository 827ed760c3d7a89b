// What the language allows: TCP → frame → CRC32C → file → answer, and no broker at all. It knows the three requests that the load
// generator sends (CreateTopics 4, Metadata 4, Produce 7) and nothing else.
//   node bench/dist/sink.js PORT DIRECTORY

import { mkdirSync, openSync, writevSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { crc32c } from '@ottla/records';

const PARTITION_COUNT = 64;
const PRODUCE = 0;
const METADATA = 3;
const CREATE_TOPICS = 19;
/** api key 2, version 2, correlation id 4, client id length 2. */
const CLIENT_ID_LENGTH_POSITION = 8;

const port = Number(process.argv[2]);
const directory = process.argv[3] ?? '.';

mkdirSync(directory, { recursive: true });
const files = Array.from({ length: PARTITION_COUNT }, (_, i) => openSync(join(directory, `sink-${i}.log`), 'a'));
const offsets = new Array<number>(PARTITION_COUNT).fill(0);

createServer({ noDelay: true }, serve).listen(port, '127.0.0.1');

function serve(socket: Socket): void {
  let pending = Buffer.alloc(0);
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let position = 0;
    while (pending.length - position >= 4) {
      const end = position + 4 + pending.readInt32BE(position);
      if (end > pending.length) break;
      socket.write(answer(pending.subarray(position + 4, end)));
      position = end;
    }
    pending = pending.subarray(position);
  });
}

function answer(request: Buffer): Buffer {
  const correlationId = request.readInt32BE(4);
  const body = request.subarray(
    CLIENT_ID_LENGTH_POSITION + 2 + Math.max(0, request.readInt16BE(CLIENT_ID_LENGTH_POSITION)),
  );
  switch (request.readInt16BE(0)) {
    case PRODUCE:
      return produceAnswer(correlationId, body);
    case METADATA:
      return metadataAnswer(correlationId, body, request.readInt16BE(2));
    case CREATE_TOPICS:
      return respond(correlationId, [int32(0), int32(0)]);
    default:
      throw new Error(`the sink does not know api key ${request.readInt16BE(0)}`);
  }
}

/** transactional id (null), acks, timeout, one topic, its partitions with one batch each. */
function produceAnswer(correlationId: number, body: Buffer): Buffer {
  let position = 2 + 2 + 4 + 4;
  const topicLength = body.readInt16BE(position);
  const topic = body.subarray(position, position + 2 + topicLength);
  position += 2 + topicLength;
  const count = body.readInt32BE(position);
  position += 4;
  const results: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const partition = body.readInt32BE(position);
    const size = body.readInt32BE(position + 4);
    const batch = body.subarray(position + 8, position + 8 + size);
    position += 8 + size;
    results.push(append(partition, batch));
  }
  return respond(correlationId, [int32(1), topic, int32(count), ...results, int32(0)]);
}

/** @returns the partition's part of the answer: index, error code, base offset, append time, log start offset */
function append(partition: number, batch: Buffer): Buffer {
  if (crc32c(batch, 21) !== batch.readUInt32BE(17)) throw new Error('the batch is damaged');
  const offset = offsets[partition] ?? 0;
  batch.writeBigInt64BE(BigInt(offset), 0);
  offsets[partition] = offset + batch.readInt32BE(57);
  writevSync(files[partition] ?? -1, [batch]);
  const result = Buffer.alloc(30);
  result.writeInt32BE(partition, 0);
  result.writeBigInt64BE(BigInt(offset), 6);
  result.writeBigInt64BE(-1n, 14);
  return result;
}

/** One broker, and the first topic asked for with all its partitions. */
function metadataAnswer(correlationId: number, body: Buffer, version: number): Buffer {
  const topic = body.readInt32BE(0) > 0 ? body.subarray(4, 6 + body.readInt16BE(4)) : undefined;
  const host = Buffer.from('127.0.0.1');
  const broker = [int32(0), int16(host.length), host, int32(port), int16(-1)];
  const partitions = Array.from({ length: PARTITION_COUNT }, (_, i) =>
    Buffer.concat([int16(0), int32(i), int32(0), int32(1), int32(0), int32(1), int32(0)]),
  );
  const topics = topic
    ? [int32(1), int16(0), topic, Buffer.from([0]), int32(partitions.length), ...partitions]
    : [int32(0)];
  const throttleTime = version >= 3 ? [int32(0)] : [];
  const clusterId = version >= 2 ? [int16(-1)] : [];
  return respond(correlationId, [...throttleTime, int32(1), ...broker, ...clusterId, int32(0), ...topics]);
}

function respond(correlationId: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([int32(correlationId), ...parts]);
  return Buffer.concat([int32(body.length), body]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
