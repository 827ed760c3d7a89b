// What the language allows: TCP → frame → CRC32C → file → answer, over the same sockets and frames as ours, and no broker at all. It knows
// the requests that the benchmark sends (CreateTopics 4, DeleteTopics 3, Metadata 4, Produce 7) and nothing else; all topics are one.
//   node bench/dist/sink.js PORT DIRECTORY

import { ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, NodeSockets, SystemClock } from '@ottla/base';
import { FrameReader } from '@ottla/network';
import { crc32c } from '@ottla/records';

const PARTITION_COUNT = 64;
const FRAME_BYTES_MAX = 100 * 1024 * 1024;
const PRODUCE = 0;
const METADATA = 3;
const CREATE_TOPICS = 19;
const DELETE_TOPICS = 20;
/** api key 2, version 2, correlation id 4, client id length 2. */
const CLIENT_ID_LENGTH_POSITION = 8;

const port = Number(process.argv[2]);
const directory = process.argv[3] ?? '.';

mkdirSync(directory, { recursive: true });
const files = Array.from({ length: PARTITION_COUNT }, (_, i) => openSync(join(directory, `sink-${i}.log`), 'w'));
const offsets = new Array<number>(PARTITION_COUNT).fill(0);
const positions = new Array<number>(PARTITION_COUNT).fill(0);

await new NodeSockets(new SystemClock()).listen({ host: '127.0.0.1', port, backlog: 1024 }, serve);

/** All answers to what came in one chunk leave in one write. */
function serve(connection: Connection): void {
  const reader = new FrameReader(FRAME_BYTES_MAX);
  connection.onData = (chunk) => {
    const answers: Buffer[] = [];
    reader.push(chunk);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) answers.push(answer(frame));
    reader.keep();
    if (answers.length > 0) connection.write([answers.length === 1 ? (answers[0] as Buffer) : Buffer.concat(answers)]);
  };
  connection.onClose = () => reader.close();
}

function answer(request: Buffer): Buffer {
  const correlationId = request.readInt32BE(4);
  const bodyPosition = CLIENT_ID_LENGTH_POSITION + 2 + Math.max(0, request.readInt16BE(CLIENT_ID_LENGTH_POSITION));
  switch (request.readInt16BE(0)) {
    case PRODUCE:
      return produceAnswer(correlationId, request, bodyPosition);
    case METADATA:
      return metadataAnswer(correlationId, request.subarray(bodyPosition), request.readInt16BE(2));
    case DELETE_TOPICS:
      empty();
      return respond(correlationId, [int32(0), int32(0)]);
    case CREATE_TOPICS:
      return respond(correlationId, [int32(0), int32(0)]);
    default:
      throw new Error(`the sink does not know api key ${request.readInt16BE(0)}`);
  }
}

const RESULT_BYTES = 30;

/** Transactional id (null), acks, timeout, one topic, its partitions with one batch each. The answer: size, correlation id, one topic, of
 *  each partition index, error code, base offset, append time and log start offset, throttle time. */
function produceAnswer(correlationId: number, request: Buffer, bodyPosition: number): Buffer {
  let from = bodyPosition + 2 + 2 + 4 + 4;
  const topicBytes = 2 + request.readInt16BE(from);
  const count = request.readInt32BE(from + topicBytes);
  const response = Buffer.alloc(4 + 4 + 4 + topicBytes + 4 + count * RESULT_BYTES + 4);
  response.writeInt32BE(response.length - 4, 0);
  response.writeInt32BE(correlationId, 4);
  response.writeInt32BE(1, 8);
  request.copy(response, 12, from, from + topicBytes);
  let to = response.writeInt32BE(count, 12 + topicBytes);
  from += topicBytes + 4;
  for (let i = 0; i < count; i++) {
    const partition = request.readInt32BE(from);
    const size = request.readInt32BE(from + 4);
    const offset = append(partition, request, from + 8, size);
    response.writeInt32BE(partition, to);
    response.writeBigInt64BE(BigInt(offset), to + 6);
    response.writeBigInt64BE(-1n, to + 14);
    to += RESULT_BYTES;
    from += 8 + size;
  }
  return response;
}

/** @returns the offset of the first record */
function append(partition: number, request: Buffer, start: number, size: number): number {
  if (crc32c(request, start + 21, start + size) !== request.readUInt32BE(start + 17)) {
    throw new Error('the batch is damaged');
  }
  const offset = offsets[partition] ?? 0;
  const position = positions[partition] ?? 0;
  request.writeBigInt64BE(BigInt(offset), start);
  offsets[partition] = offset + request.readInt32BE(start + 57);
  positions[partition] = position + size;
  writeSync(files[partition] ?? -1, request, start, size, position);
  return offset;
}

function empty(): void {
  for (const file of files) ftruncateSync(file);
  offsets.fill(0);
  positions.fill(0);
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
