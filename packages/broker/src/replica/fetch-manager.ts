// What a fetch request means for its session: which partitions to read, and which answers to send. Without a session, or when one begins,
// that is what the request says; within a session the request only says what changed, and the answer only holds what did.
// Source: kafka.server.FetchManager, FetchContext and its subclasses; KIP-227.

import type { ErrorCode, Uuid } from '@ottla/base';
import { Errors } from '@ottla/base';
import {
  CachedPartition,
  type FetchPartitionAnswer,
  type FetchPartitionRequest,
  type FetchSession,
  FINAL_EPOCH,
  INITIAL_EPOCH,
  INVALID_SESSION_ID,
  nextEpoch,
  recordsSizeInBytes,
  type SessionPartitionName,
  SessionPartitions,
} from './fetch-session.ts';
import type { FetchSessionCache } from './fetch-session-cache.ts';

/** First version whose requests name topics by id. */
const TOPIC_ID_VERSION = 13;

/** The answer for one partition beside the question. */
export interface FetchUpdate<Answer extends FetchPartitionAnswer = FetchPartitionAnswer> {
  readonly request: FetchPartitionRequest;
  readonly answer: Answer;
}

/** What goes into the head of the response, and which of the updates go into its body. */
export interface SessionAnswer<Update> {
  readonly errorCode: ErrorCode;
  readonly sessionId: number;
  readonly updates: readonly Update[];
}

/** One fetch request from the point of view of its session. */
export interface FetchContext {
  /** What to read, in order. */
  readonly partitions: readonly FetchPartitionRequest[];
  /** Chooses what to send, and remembers it as told. An update that it leaves out holds no records, except when the answer is an error. */
  respond<Update extends FetchUpdate>(updates: readonly Update[]): SessionAnswer<Update>;
  /** The answer to a fetcher that is throttled: no partitions, nothing told. */
  respondThrottled(): SessionAnswer<never>;
}

export interface FetchSessionRequest {
  readonly version: number;
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly isFromFollower: boolean;
  readonly partitions: readonly FetchPartitionRequest[];
  readonly forgotten: readonly SessionPartitionName[];
  readonly topicName: (id: Uuid) => string | undefined;
}

export class FetchManager {
  readonly cache: FetchSessionCache;

  constructor(cache: FetchSessionCache) {
    this.cache = cache;
  }

  newContext(request: FetchSessionRequest): FetchContext {
    if (request.sessionEpoch === INITIAL_EPOCH || request.sessionEpoch === FINAL_EPOCH) {
      return this.#newFullContext(request);
    }
    const session = this.cache.get(request.sessionId);
    if (session === undefined) return new SessionErrorContext(Errors.FETCH_SESSION_ID_NOT_FOUND);
    if (session.epoch !== request.sessionEpoch) return new SessionErrorContext(Errors.INVALID_FETCH_SESSION_EPOCH);
    if (session.usesTopicIds !== request.version >= TOPIC_ID_VERSION) {
      return new SessionErrorContext(Errors.FETCH_SESSION_TOPIC_ID_ERROR);
    }
    return this.#newIncrementalContext(session, request);
  }

  /** A request that names a session while it asks for a new one or for none closes that session. */
  #newFullContext(request: FetchSessionRequest): FetchContext {
    if (request.sessionId !== INVALID_SESSION_ID) this.cache.remove(request.sessionId);
    if (request.sessionEpoch === FINAL_EPOCH) return new SessionlessFetchContext(request.partitions);
    return new FullFetchContext(this.cache, request);
  }

  #newIncrementalContext(session: FetchSession, request: FetchSessionRequest): FetchContext {
    session.update(request.partitions, request.forgotten);
    if (session.partitions.size === 0) {
      this.cache.remove(session.id);
      return new SessionlessFetchContext(request.partitions);
    }
    this.cache.touch(session);
    session.epoch = nextEpoch(session.epoch);
    return new IncrementalFetchContext(session, request);
  }
}

/** The request cannot be served: its session is not there or not where the fetcher believes it. */
class SessionErrorContext implements FetchContext {
  readonly partitions: readonly FetchPartitionRequest[] = [];
  readonly #errorCode: ErrorCode;

  constructor(errorCode: ErrorCode) {
    this.#errorCode = errorCode;
  }

  respond<Update extends FetchUpdate>(_updates: readonly Update[]): SessionAnswer<Update> {
    return this.respondThrottled();
  }

  respondThrottled(): SessionAnswer<never> {
    return { errorCode: this.#errorCode, sessionId: INVALID_SESSION_ID, updates: [] };
  }
}

/** Reads what the request says and remembers nothing: every request before version 7, and the last one of a session. */
class SessionlessFetchContext implements FetchContext {
  readonly partitions: readonly FetchPartitionRequest[];

  constructor(partitions: readonly FetchPartitionRequest[]) {
    this.partitions = partitions;
  }

  respond<Update extends FetchUpdate>(updates: readonly Update[]): SessionAnswer<Update> {
    return { errorCode: Errors.NONE, sessionId: INVALID_SESSION_ID, updates };
  }

  respondThrottled(): SessionAnswer<never> {
    return { errorCode: Errors.NONE, sessionId: INVALID_SESSION_ID, updates: [] };
  }
}

/** Reads what the request says, and begins a session with it where there is a slot. */
class FullFetchContext implements FetchContext {
  readonly partitions: readonly FetchPartitionRequest[];
  readonly #cache: FetchSessionCache;
  readonly #privileged: boolean;
  readonly #usesTopicIds: boolean;

  constructor(cache: FetchSessionCache, request: FetchSessionRequest) {
    this.#cache = cache;
    this.partitions = request.partitions;
    this.#privileged = request.isFromFollower;
    this.#usesTopicIds = request.version >= TOPIC_ID_VERSION;
  }

  respond<Update extends FetchUpdate>(updates: readonly Update[]): SessionAnswer<Update> {
    const session = this.#cache.maybeCreateSession({
      privileged: this.#privileged,
      usesTopicIds: this.#usesTopicIds,
      size: updates.length,
      createPartitions: () => partitionsOf(updates),
    });
    return { errorCode: Errors.NONE, sessionId: session?.id ?? INVALID_SESSION_ID, updates };
  }

  respondThrottled(): SessionAnswer<never> {
    return { errorCode: Errors.NONE, sessionId: INVALID_SESSION_ID, updates: [] };
  }
}

function partitionsOf(updates: readonly FetchUpdate[]): SessionPartitions {
  const partitions = new SessionPartitions();
  for (const { request, answer } of updates) partitions.add(new CachedPartition(request, answer));
  return partitions;
}

/** Reads the session's partitions, and answers with those that have something new. */
class IncrementalFetchContext implements FetchContext {
  readonly partitions: readonly FetchPartitionRequest[];
  readonly #session: FetchSession;
  readonly #expectedEpoch: number;

  constructor(session: FetchSession, request: FetchSessionRequest) {
    this.#session = session;
    this.#expectedEpoch = nextEpoch(request.sessionEpoch);
    const partitions = new Array<FetchPartitionRequest>(session.partitions.size);
    let count = 0;
    for (const cached of session.partitions) {
      if (session.usesTopicIds) cached.maybeResolveUnknownName(request.topicName);
      partitions[count++] = cached.request;
    }
    this.partitions = partitions;
  }

  respond<Update extends FetchUpdate>(updates: readonly Update[]): SessionAnswer<Update> {
    // The fetcher did not wait for this answer: it cannot know what a change of the session would mean.
    if (this.#session.epoch !== this.#expectedEpoch) return this.#answer(Errors.INVALID_FETCH_SESSION_EPOCH, []);
    return this.#answer(
      Errors.NONE,
      updates.filter((update) => this.#select(update)),
    );
  }

  respondThrottled(): SessionAnswer<never> {
    const isExpected = this.#session.epoch === this.#expectedEpoch;
    return this.#answer(isExpected ? Errors.NONE : Errors.INVALID_FETCH_SESSION_EPOCH, []);
  }

  /** A partition that gave records is read last next time: within max.bytes none starves behind a busy one. */
  #select({ request, answer }: FetchUpdate): boolean {
    const partitions = this.#session.partitions;
    const cached = partitions.find(request);
    if (cached === undefined || !cached.maybeUpdateResponseData(answer)) return false;
    if (recordsSizeInBytes(answer) > 0) partitions.moveToEnd(cached);
    return true;
  }

  #answer<Update>(errorCode: ErrorCode, updates: readonly Update[]): SessionAnswer<Update> {
    return { errorCode, sessionId: this.#session.id, updates };
  }
}
