// One accepted connection: bytes in, frames to the handler, responses out in the order of their requests. It bounds what one peer can
// make the process hold: requests in flight, their bytes, and responses the peer does not read.
// Source: org.apache.kafka.common.network.KafkaChannel, kafka.network.SocketServer (Processor). Kafka reads one request of a connection
// at a time; here the next may start once the one before it is dispatched.

import {
  type ByteChunk,
  type Clock,
  type Connection,
  Fifo,
  type Logger,
  type Meter,
  StorageError,
  type Timer,
} from '@ottla/base';
import type { AnswersTogether } from './answers-together.ts';
import { FrameReader, InvalidFrameError } from './frame-reader.ts';
import type { MemoryPool } from './memory-pool.ts';
import { ResponseWriter, releaseAll } from './response-writer.ts';

/** What a connection is to those who answer its requests. */
export interface ConnectionContext {
  /** `localHost:localPort-remoteHost:remotePort-number`, unique in this process. */
  readonly connectionId: string;
  readonly listenerName: string;
  readonly securityProtocol: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  /** Reads no request of this connection for `durationMs` from now: what a quota does to a client that is over it. */
  throttle(durationMs: number): void;
}

export interface IncomingRequest {
  /** The request without its size. Lent until the handler returns: what is kept of it must be copied. */
  readonly frame: Buffer;
  readonly connection: ConnectionContext;
}

export interface RequestOutcome {
  /** Settles when the next request of this connection may start; undefined: it may start now. */
  readonly dispatched: Promise<void> | undefined;
  /** undefined, now or later: none is sent. A rejection closes the connection. */
  readonly response: ByteChunk[] | undefined | Promise<ByteChunk[] | undefined>;
}

/** Answers a request. Throws, or lets `response` reject, to close the connection after the responses before it were sent. */
export type RequestHandler = (request: IncomingRequest) => RequestOutcome;

export interface ChannelLimits {
  /** socket.request.max.bytes */
  readonly frameBytesMax: number;
  /** Requests of one connection whose responses have not left. */
  readonly inFlightCountMax: number;
  /** Bytes of those requests. A single larger one is let through alone. */
  readonly inFlightBytesMax: number;
  /** Response bytes that wait for the peer to read; no request is started while there are more. */
  readonly pendingResponseBytesMax: number;
}

export interface ChannelDependencies {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly memoryPool: MemoryPool;
  /** False while the server is still starting: requests wait. */
  readonly isProcessing: () => boolean;
  readonly incomingBytes: Meter;
  readonly outgoingBytes: Meter;
  readonly onRequest: RequestHandler;
  /** Runs the work that starts requests which arrived together, most of them in `chunk`, which stays as it is meanwhile but for what their
   *  handlers change. When it throws a StorageError, none of them may be answered. */
  readonly together: (work: () => void, chunk: Buffer) => void;
  readonly answersTogether: AnswersTogether;
  readonly onClose: (channel: Channel) => void;
}

/** A place in the queue of responses. */
interface ResponseSlot {
  readonly requestBytes: number;
  /** 'abandoned': the connection is closing, the answer is thrown away when it comes. */
  state: 'waiting' | 'ready' | 'closing' | 'abandoned';
  response: ByteChunk[] | undefined;
}

export class Channel {
  readonly context: ConnectionContext;
  /** When bytes last came or left, on the monotonic clock. */
  lastActiveMs: number;
  readonly #connection: Connection;
  readonly #limits: ChannelLimits;
  readonly #dependencies: ChannelDependencies;
  readonly #reader: FrameReader;
  readonly #writer: ResponseWriter;
  /** Requests in the order they came, from the first whose response has not been queued for writing. */
  readonly #slots = new Fifo<ResponseSlot>();
  #inFlightBytes = 0;
  /** Of the last chunk that came, among those of all connections. */
  #chunkNumber: number;
  #isInCrowd = false;
  /** A request was started that has not been dispatched. */
  #isDispatching = false;
  /** True within `#startRequests`: what completes there must not start requests itself. */
  #isStarting = false;
  #isPaused = false;
  #throttle: Timer | undefined;
  /** 'draining': no more requests are started; closes when the last response has left. */
  #state: 'open' | 'draining' | 'closed' = 'open';

  constructor(
    connection: Connection,
    identity: Omit<ConnectionContext, 'throttle'>,
    limits: ChannelLimits,
    dependencies: ChannelDependencies,
  ) {
    this.context = contextOf(identity, (durationMs) => this.#startThrottle(durationMs));
    this.#connection = connection;
    this.#limits = limits;
    this.#dependencies = dependencies;
    this.#reader = new FrameReader(limits.frameBytesMax);
    this.#writer = new ResponseWriter(connection, {
      onProgress: (writtenBytes) => this.#onProgress(writtenBytes),
      onFailure: (error) => this.#fail('a response could not be read to its end', error),
    });
    this.#chunkNumber = dependencies.answersTogether.noteChunk();
    this.lastActiveMs = dependencies.clock.monotonicMs();
    connection.onData = (chunk) => this.#onData(chunk);
    connection.onDrain = () => this.#writer.onDrain();
    connection.onClose = () => this.#onClosed();
  }

  get inFlightCount(): number {
    return this.#slots.length;
  }

  /** Response bytes that the kernel has not taken, as far as they are known; undefined: requests are still to be answered. */
  get unsentBytes(): number | undefined {
    if (this.#slots.length > 0) return undefined;
    return this.#writer.pendingBytes + this.#connection.queuedBytes;
  }

  /** Starts no more requests; closes when the responses to those in flight have left. */
  drain(): void {
    if (this.#state !== 'open') return;
    this.#state = 'draining';
    this.#pauseOrResume();
    this.#maybeEnd();
  }

  /** Closes at once. */
  destroy(): void {
    this.#connection.destroy();
    this.#onClosed();
  }

  /** Room in the shared memory pool, or the server's start is over: go on. */
  resume(): void {
    this.#startRequests();
  }

  #onData(chunk: Buffer): void {
    if (this.#state !== 'open') return;
    this.lastActiveMs = this.#dependencies.clock.monotonicMs();
    this.#dependencies.incomingBytes.mark(chunk.length);
    this.#noteChunk();
    this.#reader.push(chunk);
    this.#startRequests();
    this.#reader.keep();
  }

  #noteChunk(): void {
    const { answersTogether } = this.#dependencies;
    const number = answersTogether.noteChunk();
    this.#isInCrowd = answersTogether.isCrowd(this.#chunkNumber, number);
    this.#chunkNumber = number;
  }

  readonly #startAll = (): void => {
    while (this.#mayStart()) {
      const frame = this.#reader.next();
      if (frame === undefined) break;
      this.#startRequest(frame);
    }
  };

  /** Starts every request that is here whole and that the limits allow. Reading pauses while bytes are left that they do not. */
  #startRequests(): void {
    if (this.#isStarting || this.#reader.bufferedBytes === 0) return;
    this.#isStarting = true;
    try {
      this.#dependencies.together(this.#startAll, this.#reader.chunk);
    } catch (error) {
      if (error instanceof InvalidFrameError) this.#fail(error.message, undefined);
      else if (error instanceof StorageError) this.#fail('what its requests wrote could not be kept', error);
      else throw error;
    } finally {
      this.#isStarting = false;
    }
    this.#flush();
    this.#pauseOrResume();
  }

  /** What was answered at once leaves at once, unless more of this chunk, or others of a crowd, may be answered with it. */
  #flush(): void {
    if (this.#reader.bufferedBytes > 0) this.#writer.flushSoon();
    else if (this.#isInCrowd && !this.#writer.isEmpty) this.#dependencies.answersTogether.flush(this.#writer);
    else this.#writer.flush();
  }

  #mayStart(): boolean {
    return (
      this.#state === 'open' &&
      this.#dependencies.isProcessing() &&
      !this.#isDispatching &&
      this.#throttle === undefined &&
      this.#slots.length < this.#limits.inFlightCountMax &&
      this.#inFlightBytes < this.#limits.inFlightBytesMax &&
      this.#writer.pendingBytes < this.#limits.pendingResponseBytesMax &&
      this.#dependencies.memoryPool.hasRoomFor(this)
    );
  }

  #pauseOrResume(): void {
    const mustPause = this.#state === 'open' && !this.#mayStart() && this.#reader.bufferedBytes > 0;
    if (mustPause === this.#isPaused) return;
    this.#isPaused = mustPause;
    if (mustPause) this.#connection.pause();
    else this.#connection.resume();
  }

  #startRequest(frame: Buffer): void {
    const slot: ResponseSlot = { requestBytes: frame.length, state: 'waiting', response: undefined };
    this.#slots.push(slot);
    this.#inFlightBytes += frame.length;
    this.#dependencies.memoryPool.take(frame.length);
    let outcome: RequestOutcome;
    try {
      outcome = this.#dependencies.onRequest({ frame, connection: this.context });
    } catch (error) {
      this.#closeAt(slot, error);
      return;
    }
    if (outcome.dispatched !== undefined) this.#awaitDispatched(outcome.dispatched);
    const { response } = outcome;
    if (response instanceof Promise) {
      response.then(
        (chunks) => this.#complete(slot, chunks),
        (error: unknown) => this.#closeAt(slot, error),
      );
    } else {
      this.#complete(slot, response);
    }
  }

  #awaitDispatched(dispatched: Promise<void>): void {
    this.#isDispatching = true;
    const next = (): void => {
      this.#isDispatching = false;
      this.#startRequests();
    };
    // How the request fared is told by its response; either way the next one may start.
    dispatched.then(next, next);
  }

  #complete(slot: ResponseSlot, response: ByteChunk[] | undefined): void {
    if (slot.state === 'abandoned') {
      if (response !== undefined) releaseAll(response);
      return;
    }
    slot.state = 'ready';
    slot.response = response;
    this.#releaseReady();
  }

  #closeAt(slot: ResponseSlot, error: unknown): void {
    if (slot.state === 'abandoned') return;
    this.#dependencies.logger.debug('closing a connection', { connectionId: this.context.connectionId, cause: error });
    slot.state = 'closing';
    // What came after the refused request is not answered.
    if (this.#state === 'open') this.#state = 'draining';
    this.#pauseOrResume();
    this.#releaseReady();
  }

  /** Queues for writing what is ready at the head of the line. */
  #releaseReady(): void {
    let releasedBytes = 0;
    let slot = this.#slots.at(0);
    if (slot === undefined || slot.state === 'waiting') return;
    for (; slot !== undefined && slot.state === 'ready'; slot = this.#slots.at(0)) {
      this.#slots.shift();
      releasedBytes += slot.requestBytes;
      if (slot.response !== undefined) this.#writer.enqueue(slot.response);
      slot.response = undefined;
    }
    if (!this.#isStarting) this.#writer.flushSoon();
    this.#giveBack(releasedBytes);
    if (slot?.state === 'closing') this.#abandonSlots();
    this.#maybeEnd();
    this.#startRequests();
  }

  #giveBack(requestBytes: number): void {
    this.#inFlightBytes -= requestBytes;
    this.#dependencies.memoryPool.giveBack(requestBytes);
  }

  /** Forgets every request in flight; what they answer later is released, not sent. */
  #abandonSlots(): void {
    let bytes = 0;
    for (let slot = this.#slots.shift(); slot !== undefined; slot = this.#slots.shift()) {
      bytes += slot.requestBytes;
      if (slot.response !== undefined) releaseAll(slot.response);
      slot.response = undefined;
      slot.state = 'abandoned';
    }
    this.#giveBack(bytes);
  }

  #onProgress(writtenBytes: number): void {
    this.#dependencies.outgoingBytes.mark(writtenBytes);
    this.lastActiveMs = this.#dependencies.clock.monotonicMs();
    this.#maybeEnd();
    this.#startRequests();
  }

  #maybeEnd(): void {
    if (this.#state === 'draining' && this.#slots.length === 0 && this.#writer.isEmpty) this.#connection.end();
  }

  #startThrottle(durationMs: number): void {
    if (durationMs <= 0 || this.#state !== 'open') return;
    this.#throttle?.cancel();
    this.#throttle = this.#dependencies.clock.schedule(durationMs, () => {
      this.#throttle = undefined;
      this.#startRequests();
    });
  }

  #fail(reason: string, cause: unknown): void {
    const { connectionId } = this.context;
    this.#dependencies.logger.warn('closing a connection', { connectionId, reason, cause });
    this.destroy();
  }

  #onClosed(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#throttle?.cancel();
    this.#throttle = undefined;
    this.#abandonSlots();
    this.#reader.close();
    this.#writer.close();
    this.#dependencies.onClose(this);
  }
}

/** Without a spread, which makes objects of several shapes: every request reads this one. */
function contextOf(
  identity: Omit<ConnectionContext, 'throttle'>,
  throttle: ConnectionContext['throttle'],
): ConnectionContext {
  const { connectionId, listenerName, securityProtocol, remoteAddress, remotePort, localPort } = identity;
  return { connectionId, listenerName, securityProtocol, remoteAddress, remotePort, localPort, throttle };
}
