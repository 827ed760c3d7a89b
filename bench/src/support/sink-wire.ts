// The few messages that the bare sink knows, in the one version of each that the benchmark sends.

export const PRODUCE = 0;
export const FETCH = 1;
export const METADATA = 3;
export const CREATE_TOPICS = 19;
export const DELETE_TOPICS = 20;

/** What a request says before its body; read in place. */
export interface Head {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly bodyPosition: number;
}

/** API key 2, version 2, correlation id 4, client id with its length 2. */
export function readHead(request: Buffer): Head {
  return {
    apiKey: request.readInt16BE(0),
    apiVersion: request.readInt16BE(2),
    correlationId: request.readInt32BE(4),
    bodyPosition: 10 + Math.max(0, request.readInt16BE(8)),
  };
}

/** A string behind its length of two bytes. */
export function textAt(bytes: Buffer, position: number): string {
  return bytes.toString('latin1', position + 2, position + 2 + bytes.readInt16BE(position));
}

export function respond(correlationId: number, parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat([int32(correlationId), ...parts]);
  return Buffer.concat([int32(body.length), body]);
}

/** One broker, and a topic of which all partitions are there. */
export function metadataAnswer(head: Head, port: number, topic: string | undefined, partitionCount: number): Buffer {
  const broker = [int32(0), text('127.0.0.1'), int32(port), int16(-1)];
  const partitions = Array.from({ length: partitionCount }, (_, i) =>
    Buffer.concat([int16(0), int32(i), int32(0), int32(1), int32(0), int32(1), int32(0)]),
  );
  const topics =
    topic === undefined
      ? [int32(0)]
      : [int32(1), int16(0), text(topic), Buffer.from([0]), int32(partitions.length), ...partitions];
  const throttleTime = head.apiVersion >= 3 ? [int32(0)] : [];
  const clusterId = head.apiVersion >= 2 ? [int16(-1)] : [];
  return respond(head.correlationId, [...throttleTime, int32(1), ...broker, ...clusterId, int32(0), ...topics]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int16(bytes.length), bytes]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
