// A whole broker in this process, reached through a connection without a network, so that what a request costs can be counted: bytes
// allocated, writes to files, writes to the connection. All of that depends on the code alone, not on the machine.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ByteReader,
  ByteWriter,
  type Connection,
  type File,
  isByteSource,
  MetricsRegistry,
  NodeFileSystem,
  readFully,
  type Sockets,
  SystemClock,
  SystemRandom,
  silentLogger,
} from '@ottla/base';
import { BrokerServer, KafkaConfig } from '@ottla/broker';
import { type ApiCodec, type Decoded, readResponseHeader, writeRequestHeader } from '@ottla/protocol';

const CLIENT_ID = 'guard';
const SIZE_BYTES = 4;

/** The broker's end of a connection. Takes everything, and keeps only what the caller asks for. */
class CountingConnection implements Connection {
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 1;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 9092;
  readonly queuedBytes = 0;
  onData: (chunk: Buffer) => void = ignore;
  onDrain: () => void = ignore;
  onClose: (error?: Error) => void = ignore;
  writeCount = 0;
  /** A response has left as a whole. */
  onAnswered: () => void = ignore;
  /** Of the response that leaves. */
  #bytesLeft = 0;
  onWritten: ((bytes: Buffer) => void) | undefined;

  write(chunks: readonly Buffer[]): boolean {
    this.writeCount++;
    for (const chunk of chunks) this.#noticeAnswers(chunk);
    this.onWritten?.(Buffer.concat(chunks));
    return true;
  }

  /** The size in front of a response is never cut. */
  #noticeAnswers(chunk: Buffer): void {
    for (let position = 0; position < chunk.length; ) {
      if (this.#bytesLeft === 0) {
        this.#bytesLeft = chunk.readInt32BE(position);
        position += SIZE_BYTES;
      }
      const count = Math.min(this.#bytesLeft, chunk.length - position);
      this.#bytesLeft -= count;
      position += count;
      if (this.#bytesLeft === 0) this.onAnswered();
    }
  }

  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {
    throw new Error('the broker closed the connection');
  }
}

class CountingFileSystem extends NodeFileSystem {
  writeCount = 0;

  override openSync(path: string, mode: 'read' | 'read-write' | 'create'): File {
    const file = super.openSync(path, mode);
    const writeSync = file.writeSync.bind(file);
    file.writeSync = (bytes, position) => {
      this.writeCount++;
      writeSync(bytes, position);
    };
    return file;
  }
}

function ignore(): void {}

export class InProcessBroker {
  readonly connection: CountingConnection;
  readonly fileSystem: CountingFileSystem;
  readonly #server: BrokerServer;
  readonly #directory: string;

  private constructor(
    server: BrokerServer,
    parts: { connection: CountingConnection; fileSystem: CountingFileSystem; directory: string },
  ) {
    this.#server = server;
    this.connection = parts.connection;
    this.fileSystem = parts.fileSystem;
    this.#directory = parts.directory;
  }

  static async start(): Promise<InProcessBroker> {
    const directory = mkdtempSync(join(tmpdir(), 'ottla-guard-'));
    const clock = new SystemClock();
    const fileSystem = new CountingFileSystem();
    let accept: (connection: Connection) => void = ignore;
    const sockets: Sockets = {
      listen: async ({ host }, onConnection) => {
        accept = onConnection;
        return { host, port: 9092, close: async () => {} };
      },
      connect: () => Promise.reject(new Error('this broker has nobody to connect to')),
    };
    const config = KafkaConfig.fromProperties(
      new Map([
        ['listeners', 'PLAINTEXT://127.0.0.1:9092'],
        ['log.dirs', directory],
        ['auto.create.topics.enable', 'true'],
        // On a busy machine the retention task would come while requests are counted, and take what is to be fetched.
        ['log.retention.ms', '-1'],
      ]),
    );
    const metrics = new MetricsRegistry(clock);
    const ports = {
      clock,
      fileSystem,
      sockets,
      metrics,
      random: new SystemRandom(),
      logger: silentLogger,
      hostName: 'localhost',
    };
    const onFatal = (error: Error): never => {
      throw error;
    };
    const server = new BrokerServer({ config, ports, adoptLogDirs: false, onFatal });
    await server.start();
    const connection = new CountingConnection();
    accept(connection);
    return new InProcessBroker(server, { connection, fileSystem, directory });
  }

  /** Asks, and waits for the answer. */
  async send<Request, Response>(api: ApiCodec<Request, Response>, request: Request, version: number) {
    return new Promise<Decoded<Response>>((resolve) => {
      let received = Buffer.alloc(0);
      this.connection.onWritten = (bytes) => {
        received = Buffer.concat([received, bytes]);
        if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
        this.connection.onWritten = undefined;
        const reader = new ByteReader(received, 4);
        readResponseHeader(reader, { apiKey: api.apiKey, apiVersion: version });
        resolve(api.response.read(reader, version));
      };
      this.connection.onData(encodeFrame(api, request, version));
    });
  }

  async close(): Promise<void> {
    this.connection.destroy = ignore;
    await this.#server.close();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A request as it comes over the wire, size first. */
export function encodeFrame<Request>(api: ApiCodec<Request, unknown>, request: Request, version: number): Buffer {
  const writer = new ByteWriter();
  writeRequestHeader(writer, { apiKey: api.apiKey, apiVersion: version, correlationId: 1, clientId: CLIENT_ID });
  api.request.write(writer, request, version);
  const chunks = writer.finish().map((chunk) => (isByteSource(chunk) ? readFully(chunk) : chunk));
  const body = Buffer.concat(chunks);
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
}
