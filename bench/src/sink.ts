// What the language allows: TCP → frame → CRC32C → file → answer, and the way back for fetches, over the same sockets and frames as ours, and no
// broker at all. It knows the requests that the benchmark sends (CreateTopics 4, DeleteTopics 3, Metadata 4, Produce 7, Fetch 11) and nothing
// else.
//   node bench/dist/sink.js PORT DIRECTORY

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Connection, mustBePresent, NodeSockets, SystemClock } from '@ottla/base';
import { FrameReader } from '@ottla/network';
import { SinkLog, type Slice } from './support/sink-log.ts';
import {
  CREATE_TOPICS,
  DELETE_TOPICS,
  FETCH,
  type Head,
  int32,
  METADATA,
  metadataAnswer,
  PRODUCE,
  readHead,
  respond,
  textAt,
} from './support/sink-wire.ts';

const PARTITION_COUNT = 64;
const FRAME_BYTES_MAX = 100 * 1024 * 1024;
const FETCH_WAIT_MS = 500;

/** A fetch that found nothing. */
interface Waiting {
  readonly client: Client;
  readonly request: Buffer;
  readonly deadlineMs: number;
}

interface Client {
  readonly connection: Connection;
  /** Of fetched records: a client asks for more when it has all of them. */
  fetched: Buffer;
}

const port = Number(process.argv[2]);
const directory = process.argv[3] ?? '.';
const topics = new Map<string, SinkLog[]>();
let waiting: Waiting[] = [];

mkdirSync(directory, { recursive: true });
await new NodeSockets(new SystemClock()).listen({ host: '127.0.0.1', port, backlog: 1024 }, serve);
setInterval(() => answerWaiting(performance.now()), FETCH_WAIT_MS / 5).unref();

/** All answers to what came in one chunk leave in one write. */
function serve(connection: Connection): void {
  const reader = new FrameReader(FRAME_BYTES_MAX);
  const client = { connection, fetched: Buffer.alloc(0) };
  connection.onData = (chunk) => {
    const answers: Buffer[] = [];
    reader.push(chunk);
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) {
      const answer = answerTo(frame, client);
      if (answer !== undefined) answers.push(answer);
    }
    reader.keep();
    if (answers.length > 0) connection.write([answers.length === 1 ? (answers[0] as Buffer) : Buffer.concat(answers)]);
    if (waiting.length > 0) answerWaiting(Number.NEGATIVE_INFINITY);
  };
  connection.onClose = () => {
    waiting = waiting.filter((each) => each.client !== client);
    reader.close();
  };
}

/** undefined: it comes later, or has left already. */
function answerTo(request: Buffer, client: Client): Buffer | undefined {
  const head = readHead(request);
  switch (head.apiKey) {
    case PRODUCE:
      return produceAnswer(head, request);
    case FETCH:
      if (fetch(request, client, 1)) return undefined;
      waiting.push({ client, request: Buffer.from(request), deadlineMs: performance.now() + FETCH_WAIT_MS });
      return undefined;
    case METADATA:
      return metadata(head, request);
    case DELETE_TOPICS:
      remove(textAt(request, head.bodyPosition + 4));
      return respond(head.correlationId, [int32(0), int32(0)]);
    case CREATE_TOPICS:
      logsOf(textAt(request, head.bodyPosition + 4));
      return respond(head.correlationId, [int32(0), int32(0)]);
    default:
      throw new Error(`the sink does not know api key ${head.apiKey}`);
  }
}

const PRODUCED_BYTES = 30;

/** Transactional id (null), acks, timeout, one topic, its partitions with one batch each. The answer: size, correlation id, one topic, of
 *  each partition index, error code, base offset, append time and log start offset, throttle time. */
function produceAnswer({ correlationId, bodyPosition }: Head, request: Buffer): Buffer {
  let from = bodyPosition + 2 + 2 + 4 + 4;
  const topicBytes = 2 + request.readInt16BE(from);
  const logs = logsOf(textAt(request, from));
  const count = request.readInt32BE(from + topicBytes);
  const response = Buffer.alloc(4 + 4 + 4 + topicBytes + 4 + count * PRODUCED_BYTES + 4);
  response.writeInt32BE(response.length - 4, 0);
  response.writeInt32BE(correlationId, 4);
  response.writeInt32BE(1, 8);
  request.copy(response, 12, from, from + topicBytes);
  let to = response.writeInt32BE(count, 12 + topicBytes);
  from += topicBytes + 4;
  for (let i = 0; i < count; i++) {
    const partition = request.readInt32BE(from);
    const size = request.readInt32BE(from + 4);
    const offset = mustBePresent(logs[partition], `partition ${partition}`).append(request, from + 8, size);
    response.writeInt32BE(partition, to);
    response.writeBigInt64BE(BigInt(offset), to + 6);
    response.writeBigInt64BE(-1n, to + 14);
    to += PRODUCED_BYTES;
    from += 8 + size;
  }
  return response;
}

const FETCH_PARTITION_BYTES = 28;
const FETCHED_HEAD_BYTES = 46;

/** What one partition gives to a fetch. */
interface Found {
  readonly partition: number;
  readonly log: SinkLog;
  readonly slice: Slice;
}

/** Replica, wait, bytes at least and at most, isolation level, session and epoch, one topic, its partitions.
 *  @returns false when there are fewer than `bytesMin` */
function fetch(request: Buffer, client: Client, bytesMin: number): boolean {
  const { correlationId, bodyPosition } = readHead(request);
  const topicPosition = bodyPosition + 4 + 4 + 4 + 4 + 1 + 4 + 4 + 4;
  const topic = request.subarray(topicPosition, topicPosition + 2 + request.readInt16BE(topicPosition));
  const found = find(request, topicPosition + topic.length, logsOf(textAt(topic, 0)));
  const recordBytes = found.reduce((sum, { slice }) => sum + slice.length, 0);
  if (recordBytes < bytesMin) return false;
  const size = 22 + topic.length + 4 + found.length * FETCHED_HEAD_BYTES + recordBytes;
  if (client.fetched.length < size) client.fetched = Buffer.alloc(size);
  writeFetched(client.fetched, { size, correlationId, topic, found });
  client.connection.write([client.fetched.subarray(0, size)]);
  return true;
}

/** Of each partition index, leader epoch, offset, log start offset, bytes at most. */
function find(request: Buffer, from: number, logs: readonly SinkLog[]): Found[] {
  return Array.from({ length: request.readInt32BE(from) }, (_, i) => {
    const at = from + 4 + i * FETCH_PARTITION_BYTES;
    const partition = request.readInt32BE(at);
    const log = mustBePresent(logs[partition], `partition ${partition}`);
    return { partition, log, slice: log.slice(Number(request.readBigInt64BE(at + 8)), request.readInt32BE(at + 24)) };
  });
}

/** Size, correlation id, throttle time, error code, session, one topic, of each partition index, error code, three offsets, no aborted
 *  transactions, no other replica, the records. */
function writeFetched(
  response: Buffer,
  answer: { size: number; correlationId: number; topic: Buffer; found: readonly Found[] },
): void {
  const { size, correlationId, topic, found } = answer;
  response.fill(0, 0, 22);
  response.writeInt32BE(size - 4, 0);
  response.writeInt32BE(correlationId, 4);
  response.writeInt32BE(1, 18);
  let to = response.writeInt32BE(found.length, 22 + topic.copy(response, 22));
  for (const { partition, log, slice } of found) {
    to = response.writeInt32BE(partition, to);
    to = response.writeInt16BE(0, to);
    to = response.writeBigInt64BE(BigInt(log.endOffset), to);
    to = response.writeBigInt64BE(BigInt(log.endOffset), to);
    to = response.writeBigInt64BE(0n, to);
    to = response.writeInt32BE(-1, to);
    to = response.writeInt32BE(-1, to);
    to = response.writeInt32BE(slice.length, to);
    log.read(response, to, slice);
    to += slice.length;
  }
}

function answerWaiting(nowMs: number): void {
  waiting = waiting.filter(({ client, request, deadlineMs }) => !fetch(request, client, nowMs >= deadlineMs ? 0 : 1));
}

function logsOf(topic: string): SinkLog[] {
  let logs = topics.get(topic);
  if (logs === undefined) {
    logs = Array.from({ length: PARTITION_COUNT }, (_, i) => new SinkLog(join(directory, `${topic}-${i}.log`)));
    topics.set(topic, logs);
  }
  return logs;
}

function remove(topic: string): void {
  for (const log of topics.get(topic) ?? []) log.delete();
  topics.delete(topic);
}

function metadata(head: Head, request: Buffer): Buffer {
  const isNamed = request.readInt32BE(head.bodyPosition) > 0;
  return metadataAnswer(head, port, isNamed ? textAt(request, head.bodyPosition + 4) : undefined, PARTITION_COUNT);
}
