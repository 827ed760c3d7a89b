// One run of a scenario against one broker: a connection for each client id, opened when first needed and again after it was closed.

import { type Clock, NodeSockets, SystemClock, sleep } from '@ottla/base';
import {
  DisconnectedError,
  FrameReader,
  InvalidResponseError,
  RequestClient,
  RequestTimeoutError,
} from '@ottla/network';
import type { ApiCodec, Decoded } from '@ottla/protocol';
import { Normaliser } from './normalise.ts';
import type { AskOptions, Entry } from './step.ts';

const REQUEST_TIMEOUT_MS = 15_000;
const READY_TIMEOUT_MS = 15_000;
const PAUSE_MS = 25;
const RAW_ANSWER_BYTES_MAX = 1 << 20;
const DEFAULT_CLIENT_ID = 'recorder';

/** LEADER_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS: ask again. */
const NOT_READY = [5, 14, 15, 16, 51];

export interface BrokerUnderTest {
  /** It listens on 127.0.0.1. */
  readonly port: number;
  /** Its `log.dirs`, one. */
  readonly logDir: string;
}

export class Session {
  readonly #clock: Clock = new SystemClock();
  readonly #sockets = new NodeSockets(this.#clock);
  readonly #port: number;
  readonly #normaliser: Normaliser;
  readonly #clients = new Map<string, RequestClient>();
  readonly #kept = new Map<string, Promise<Entry>>();

  constructor({ port, logDir }: BrokerUnderTest) {
    this.#port = port;
    this.#normaliser = new Normaliser({ port, logDir, nowMs: () => this.#clock.nowMs() });
  }

  /** @returns the normalised answer, or `{ instead: … }` where none came */
  async ask<Request, Response>(
    api: ApiCodec<Request, Response>,
    request: Request,
    version: number,
    options: AskOptions<Response>,
  ): Promise<unknown> {
    const deadlineMs = this.#clock.monotonicMs() + READY_TIMEOUT_MS;
    const client = await this.#client(options.as ?? DEFAULT_CLIENT_ID);
    try {
      if (options.unanswered) {
        client.sendWithoutAnswer(api, request, version);
        return { instead: 'sent without answer' };
      }
      for (;;) {
        const answer = await client.send(api, request, version);
        const isLate = this.#clock.monotonicMs() > deadlineMs;
        if (isLate || isFinal(answer, options)) {
          options.onAnswer?.(answer, version);
          return this.#normaliser.normalise(answer);
        }
        await sleep(this.#clock, PAUSE_MS);
      }
    } catch (error) {
      return { instead: insteadOfAnswer(error) };
    }
  }

  /** Sends one frame on a connection of its own. @param read what to make of the answer's frame */
  async askRaw(frame: Buffer, read: (answer: Buffer) => unknown): Promise<unknown> {
    const connection = await this.#sockets.connect({ host: '127.0.0.1', port: this.#port, timeoutMs: 5000 });
    const size = Buffer.alloc(4);
    size.writeInt32BE(frame.length);
    const answer = await new Promise<unknown>((resolve) => {
      const timer = this.#clock.schedule(REQUEST_TIMEOUT_MS, () => resolve({ instead: 'no answer' }));
      const settle = (value: unknown) => {
        timer.cancel();
        resolve(value);
      };
      const frames = new FrameReader(RAW_ANSWER_BYTES_MAX);
      connection.onData = (chunk) => {
        frames.push(chunk);
        const received = frames.next();
        if (received !== undefined) settle(this.#normaliser.normalise(read(received)));
      };
      connection.onClose = () => settle({ instead: 'connection closed' });
      connection.write([size, frame]);
    });
    connection.destroy();
    return answer;
  }

  keep(name: string, entry: Promise<Entry>): void {
    this.#kept.set(name, entry);
  }

  take(name: string): Promise<Entry> {
    const entry = this.#kept.get(name);
    if (!entry) throw new Error(`nothing was sent for ${name}`);
    return entry;
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  async #client(clientId: string): Promise<RequestClient> {
    const existing = this.#clients.get(clientId);
    if (existing && !existing.isClosed) return existing;
    const client = await RequestClient.connect({
      sockets: this.#sockets,
      clock: this.#clock,
      host: '127.0.0.1',
      port: this.#port,
      clientId,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
    this.#clients.set(clientId, client);
    return client;
  }
}

function isFinal<Response>(answer: Decoded<Response>, { final = [], until }: AskOptions<Response>): boolean {
  const notReady = NOT_READY.filter((code) => !final.includes(code));
  return !hasErrorCode(answer, notReady) && (until === undefined || until(answer));
}

/** Does a field of `value`, at any depth, that is an error code hold one of `codes`? */
function hasErrorCode(value: unknown, codes: readonly number[]): boolean {
  if (Array.isArray(value)) return value.some((element) => hasErrorCode(element, codes));
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return false;
  return Object.entries(value).some(([name, field]) =>
    typeof field === 'number'
      ? /ErrorCode$|^errorCode$/.test(name) && codes.includes(field)
      : hasErrorCode(field, codes),
  );
}

function insteadOfAnswer(error: unknown): string {
  if (error instanceof DisconnectedError) return 'connection closed';
  if (error instanceof RequestTimeoutError) return 'no answer';
  if (error instanceof InvalidResponseError) return `unreadable answer: ${error.cause}`;
  throw error;
}
