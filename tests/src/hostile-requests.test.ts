// Requests that Kafka's own code wrote, whole and mutilated, for every API a client may call: whatever arrives, the broker answers or closes the
// connection. It fails in no way that nobody foresaw, serves others meanwhile, keeps within its memory, and works afterwards.

import assert from 'node:assert/strict';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ByteWriter, Errors, SeededRandom } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { apiVersions, writeRequestHeader } from '@ottla/protocol';
import { unforeseenFailures } from './support/broker-output.ts';
import { projectRoot } from './support/broker-process.ts';
import { connectFor, RestartableBroker, testSeed } from './support/test-broker.ts';
import { batchOf, createTopicsOn, produceTo, readAll } from './support/wire.ts';

const vectors = join(process.env.KAFKA_FACTS ?? join(projectRoot, '../shared/kafka'), 'vectors/messages-3.9.jsonl');
const skip = existsSync(vectors) || process.env.CI === 'true' ? false : `no golden vectors at ${vectors}`;
/** Of each request, besides itself. */
const MUTANTS = Number(process.env.OTTLA_MUTANTS ?? 4);
const LANES = 12;
/** Some requests are not answered, others only when something happens. */
const PATIENCE_MS = 150;
/** LeaderAndIsr, StopReplica, UpdateMetadata, ControlledShutdown, AlterPartition: a controller's orders, which are obeyed. */
const BROKERS_ONLY = new Set([4, 5, 6, 7, 56]);
const PING_MS_MAX = 5_000;
const RESIDENT_BYTES_MAX = 700 << 20;

interface Vector {
  readonly apiKey: number;
  readonly version: number;
  readonly body: Buffer;
}

async function readVectors(served: Map<number, [min: number, max: number]>): Promise<Vector[]> {
  const found: Vector[] = [];
  for await (const line of createInterface({ input: createReadStream(vectors) })) {
    const { apiKey, type, version, hex } = JSON.parse(line);
    const range = type === 'request' ? served.get(apiKey) : undefined;
    if (!range || version < range[0] || version > range[1] || BROKERS_ONLY.has(apiKey)) continue;
    found.push({ apiKey, version, body: Buffer.from(hex, 'hex') });
  }
  return found;
}

function frameOf({ apiKey, version }: Vector, body: Buffer): Buffer {
  const writer = new ByteWriter();
  writeRequestHeader(writer, { apiKey, apiVersion: version, correlationId: 1, clientId: 'hostile' });
  const header = writer.finishBuffer();
  const size = Buffer.alloc(4);
  size.writeInt32BE(header.length + body.length);
  return Buffer.concat([size, header, body]);
}

const EXTREMES = [0x00, 0x01, 0x7f, 0x80, 0xff];

function mutate(body: Buffer, random: SeededRandom): Buffer {
  const bytes = Buffer.from(body);
  const at = random.nextInt(Math.max(1, bytes.length));
  switch (random.nextInt(6)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return Buffer.concat([bytes, random.bytes(1 + random.nextInt(8))]);
    case 2:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.max(0, at - 8))]);
    case 3:
      return bytes.fill(EXTREMES[random.nextInt(EXTREMES.length)] ?? 0, at, Math.min(bytes.length, at + 4));
    case 4:
      return bytes.fill(EXTREMES[random.nextInt(EXTREMES.length)] ?? 0, at, Math.min(bytes.length, at + 1));
    default:
      for (let i = 1 + random.nextInt(4); i > 0 && bytes.length > 0; i--) {
        bytes[random.nextInt(bytes.length)] = random.nextInt(256);
      }
      return bytes;
  }
}

type Reaction = 'answered' | 'closed' | 'silent';

/** A connection after the other, as often as the broker closes it. */
class Lane {
  readonly #port: number;
  #socket: Socket | undefined;
  readonly reactions = { answered: 0, closed: 0, silent: 0 };

  constructor(port: number) {
    this.#port = port;
  }

  async send(frame: Buffer): Promise<void> {
    const socket = this.#socket ?? connect({ port: this.#port, host: '127.0.0.1' }).on('error', () => {});
    this.#socket = socket;
    const reaction = await this.#react(socket, frame);
    this.reactions[reaction]++;
    if (reaction === 'answered') return;
    socket.destroy();
    this.#socket = undefined;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #react(socket: Socket, frame: Buffer): Promise<Reaction> {
    return new Promise((resolve) => {
      const end = (reaction: Reaction) => {
        clearTimeout(timer);
        socket.removeAllListeners('data').removeAllListeners('close');
        resolve(reaction);
      };
      const timer = setTimeout(() => end('silent'), PATIENCE_MS);
      let missing = -1;
      socket.on('close', () => end('closed'));
      socket.on('data', (chunk) => {
        // The size comes first, and whole: the answer to one request begins a packet.
        missing = (missing < 0 ? chunk.readInt32BE(0) + 4 : missing) - chunk.length;
        if (missing <= 0) end('answered');
      });
      socket.write(frame);
    });
  }
}

/** The longest that an innocent client had to wait. */
async function ping(client: RequestClient, isOver: () => boolean): Promise<number> {
  let longestMs = 0;
  while (!isOver()) {
    const askedMs = performance.now();
    await client.send(apiVersions, { clientSoftwareName: 'innocent', clientSoftwareVersion: '1' }, 3);
    longestMs = Math.max(longestMs, performance.now() - askedMs);
    await sleep(10);
  }
  return longestMs;
}

async function servedApis(client: RequestClient): Promise<Map<number, [number, number]>> {
  const answer = await client.send(apiVersions, { clientSoftwareName: 'innocent', clientSoftwareVersion: '1' }, 3);
  assert.equal(answer.errorCode, Errors.NONE);
  return new Map(answer.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]]));
}

function residentBytes(pid: number): number {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(match?.[1] ?? 0) * 1024;
}

test('answers or refuses whatever arrives', { skip, timeout: 240_000 }, async (t) => {
  const seed = testSeed();
  const random = new SeededRandom(seed);
  t.diagnostic(`seed ${seed}`);
  const broker = new RestartableBroker(t, { name: 'hostile', port: 0 });
  await broker.start();
  const client = await connectFor(t, broker.port);
  const vectorsToSend = await readVectors(await servedApis(client));
  assert.ok(vectorsToSend.length > 300, `${vectorsToSend.length} golden requests`);
  const frames = vectorsToSend.flatMap((vector) => {
    const mutants = Array.from({ length: MUTANTS }, () => frameOf(vector, mutate(vector.body, random)));
    return [frameOf(vector, vector.body), ...mutants];
  });

  let isOver = false;
  const pinging = ping(client, () => isOver);
  const lanes = Array.from({ length: LANES }, () => new Lane(broker.port));
  t.after(() => {
    for (const lane of lanes) lane.close();
  });
  let next = 0;
  await Promise.all(
    lanes.map(async (lane) => {
      for (let frame = frames[next++]; frame; frame = frames[next++]) await lane.send(frame);
    }),
  );
  isOver = true;
  const longestMs = await pinging;
  const count = (reaction: Reaction) => lanes.reduce((sum, { reactions }) => sum + reactions[reaction], 0);
  const resident = existsSync('/proc/self/status') ? residentBytes(broker.pid) : 0;
  t.diagnostic(
    `${frames.length} requests: ${count('answered')} answered, ${count('closed')} closed, ${count('silent')} silent`,
  );
  t.diagnostic(`an innocent client waited ${Math.round(longestMs)} ms at most; ${resident >> 20} MB resident`);
  assert.deepEqual(unforeseenFailures(broker.output()), []);
  assert.ok(longestMs < PING_MS_MAX, `somebody waited ${longestMs} ms`);
  assert.ok(resident < RESIDENT_BYTES_MAX, `${resident} bytes resident`);

  const tp = { topic: 'innocent', partition: 0 };
  await createTopicsOn(client, [tp.topic], 1);
  assert.equal((await produceTo(client, tp, batchOf(['still there']), -1)).errorCode, Errors.NONE);
  assert.equal(String((await readAll(client, tp))[0]?.value), 'still there');
  assert.equal(await broker.end('SIGTERM'), 0);
  await broker.start();
  assert.equal((await readAll(await connectFor(t, broker.port), tp)).length, 1);
});
