// Produce, served in versions 0 to 11.
//
// Appends records to the partitions this broker leads. Versions 0 to 2 carry message formats 0 and 1, which the log converts; from version 3
// on there is exactly one batch of format 2 per partition, compressed with zstd from version 7 on (KIP-110). With acks=0 nothing is answered,
// and any error closes the connection: that is how the producer learns of it. Records of transactions need a transactional id, and their
// first batch in a partition is verified with the coordinator (KIP-890). Version 8 tells which records are at fault (KIP-467), version 10
// who leads instead (KIP-951). Source: kafka.server.KafkaApis.handleProduceRequest, ProduceRequest.validateRecords.

import { type ErrorCode, Errors, KafkaError, mustBePresent, withOne } from '@ottla/base';
import { type Decoded, type ProduceRequest, type ProduceResponse, produce as produceApi } from '@ottla/protocol';
import { batchAt, InvalidRecordError, type RecordBatch, UnsupportedCompressionError } from '@ottla/records';
import { CurrentLeaders } from '../replica/current-leader.ts';
import { type AppendEntry, type AppendRequest, type AppendResult, failedAppend } from '../replica/replica-append.ts';
import type { VerifiedEntry } from '../replica/transaction-verification.ts';
import { Dispatched, defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

/** Kafka's own administration client may write to internal topics. */
const ADMIN_CLIENT_ID = '__admin_client';
const FIRST_VERSION_OF_FORMAT_2 = 3;
const FIRST_VERSION_WITH_STORAGE_ERROR = 4;
const FIRST_VERSION_WITH_ZSTD = 7;
const FIRST_VERSION_WITH_CURRENT_LEADER = 10;
const NO_RECORDS = Buffer.alloc(0);
/** Says no more than the code does: Kafka leaves such messages out of the answer. */
const NOT_AUTHORIZED = 'Transactional Id authorization failed.';

type Request = Decoded<ProduceRequest>;
type PartitionRequest = Request['topicData'][number]['partitionData'][number];

export const produce = defineHandler(
  produceApi,
  { minVersion: 0, maxVersion: 11, keepsNoBytes: true, errorResponse },
  (request, context) => {
    const { entries, refusals } = sortOut(request, context);
    if (entries.length === 0) return respond(request, context, { results: [], refusals });
    const verification =
      request.transactionalId === null ? undefined : verify(entries, request.transactionalId, context);
    if (verification !== undefined) return appendVerified(request, context, { verification, refusals });
    const results = append(entries, request, context);
    if (!(results instanceof Promise)) return respond(request, context, { results, refusals });
    return new Dispatched(results.then((settled) => respond(request, context, { results: settled, refusals })));
  },
);

/** What cannot be appended, and why, by its part of the request. */
type Refusals = Map<PartitionRequest, AppendResult>;

interface Outcome {
  /** In the order of the request, without the refused. */
  readonly results: readonly AppendResult[];
  readonly refusals: Refusals | undefined;
}

/** @throws KafkaError when the whole request is refused */
function sortOut(
  request: Request,
  context: RequestContext,
): { entries: AppendEntry[]; refusals: Refusals | undefined } {
  const { apiVersion } = context.header;
  let entries: AppendEntry[] | undefined;
  let refusals: Refusals | undefined;
  let hasTransactionalRecords = false;
  for (const { name, partitionData } of request.topicData) {
    for (const partition of partitionData) {
      const records = partition.records ?? NO_RECORDS;
      const checked = check(records, apiVersion);
      if (typeof checked !== 'number' && checked?.isTransactional) hasTransactionalRecords = true;
      const known = context.broker.metadataCache.getPartitionInfo(name, partition.index) !== undefined;
      const code = known ? checked : Errors.UNKNOWN_TOPIC_OR_PARTITION;
      if (typeof code === 'number') {
        refusals ??= new Map();
        refusals.set(partition, failedAppend(partition.index, code));
      } else {
        entries = withOne(entries, { topic: name, partition: partition.index, records });
      }
    }
  }
  if (hasTransactionalRecords && request.transactionalId === null) {
    throw new KafkaError(Errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, NOT_AUTHORIZED);
  }
  return { entries: entries ?? [], refusals };
}

/** @returns the first batch, if there is one; or the code with which the records are refused. Before version 3 the log decides.
 *  @throws CorruptRecordError when they cannot even begin a batch: then the whole request is refused */
function check(records: Buffer, version: number): RecordBatch | undefined | ErrorCode {
  const batch = batchAt(records, 0);
  if (version < FIRST_VERSION_OF_FORMAT_2) return batch;
  try {
    requireOneBatch(records, batch, version);
    return batch;
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

function requireOneBatch(records: Buffer, batch: RecordBatch | undefined, version: number): void {
  if (batch === undefined) {
    throw new InvalidRecordError(
      `Produce requests with version ${version} must have at least one record batch per partition`,
    );
  }
  if (batch.magic !== 2) {
    throw new InvalidRecordError(
      `Produce requests with version ${version} are only allowed to contain record batches with magic version 2`,
    );
  }
  if (version < FIRST_VERSION_WITH_ZSTD && batch.compressionType === 'zstd') {
    throw new UnsupportedCompressionError(
      `Produce requests with version ${version} are not allowed to use ZStandard compression`,
    );
  }
  if (batchAt(records, batch.sizeInBytes) !== undefined) {
    throw new InvalidRecordError(
      `Produce requests with version ${version} are only allowed to contain exactly one record batch per partition`,
    );
  }
}

function append(entries: readonly AppendEntry[], request: Request, context: RequestContext) {
  return context.broker.replicaManager.appendRecords(appendRequest(entries, request, context));
}

function appendRequest(entries: readonly AppendEntry[], request: Request, { header }: RequestContext): AppendRequest {
  return {
    timeoutMs: request.timeoutMs,
    requiredAcks: request.acks,
    internalTopicsAllowed: header.clientId === ADMIN_CLIENT_ID,
    origin: 'client',
    entries,
  };
}

function verify(entries: readonly AppendEntry[], transactionalId: string, { broker, header }: RequestContext) {
  return broker.replicaManager.transactionVerification?.verify(entries, {
    transactionalId,
    apiVersion: header.apiVersion,
  });
}

/** The next request of the producer must not overtake this one: it starts when these records are in the log. */
function appendVerified(
  request: Request,
  context: RequestContext,
  { verification, refusals }: { verification: Promise<VerifiedEntry[]>; refusals: Refusals | undefined },
): Dispatched<ProduceResponse> {
  const appended = verification.then((verified) => {
    const entries = verified.flatMap((one) => ('entry' in one ? [one.entry] : []));
    return { verified, results: entries.length === 0 ? [] : append(entries, request, context) };
  });
  const response = appended.then(async ({ verified, results }) => {
    const settled = (await results).values();
    const inOrder = verified.map((one) => ('refusal' in one ? one.refusal : settled.next().value));
    return respond(request, context, { results: inOrder.filter((result) => result !== undefined), refusals });
  });
  return new Dispatched(response, appended.then(ignore, ignore));
}

function ignore(): void {}

/** undefined: acks=0. @throws KafkaError with acks=0 and an error, to close the connection */
function respond(
  request: Request,
  context: RequestContext,
  { results, refusals }: Outcome,
): ProduceResponse | undefined {
  if (request.acks === 0) {
    requireSuccess(results, refusals);
    return undefined;
  }
  let next = 0;
  const responses = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(
      (partition) => refusals?.get(partition) ?? mustBePresent(results[next++], 'a result'),
    ),
  }));
  const response: ProduceResponse = { responses, throttleTimeMs: 0 };
  adaptToVersion(response, context);
  return response;
}

function requireSuccess(results: readonly AppendResult[], refusals: Refusals | undefined): void {
  for (const { errorCode } of [...results, ...(refusals?.values() ?? [])]) {
    if (errorCode !== Errors.NONE) throw new KafkaError(errorCode, 'a produce request with acks=0 failed');
  }
}

function adaptToVersion(response: ProduceResponse, context: RequestContext): void {
  const { apiVersion } = context.header;
  let leaders: CurrentLeaders | undefined;
  for (const { name, partitionResponses } of response.responses) {
    for (const partition of partitionResponses) {
      if (partition.errorCode === Errors.KAFKA_STORAGE_ERROR && apiVersion < FIRST_VERSION_WITH_STORAGE_ERROR) {
        partition.errorCode = Errors.NOT_LEADER_OR_FOLLOWER;
      }
      if (partition.errorCode !== Errors.NOT_LEADER_OR_FOLLOWER || name === undefined) continue;
      if (apiVersion < FIRST_VERSION_WITH_CURRENT_LEADER) continue;
      leaders ??= new CurrentLeaders(context);
      partition.currentLeader = leaders.of(name, partition.index);
    }
  }
  if (leaders !== undefined) response.nodeEndpoints = leaders.nodeEndpoints;
}

/** undefined with acks=0: nothing is ever answered. */
function errorResponse(request: Request, code: ErrorCode, message: string): ProduceResponse | undefined {
  if (request.acks === 0) return undefined;
  const errorMessage = message === NOT_AUTHORIZED ? null : message;
  const responses = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: partitionData.map(({ index }) => ({ ...failedAppend(index, code), errorMessage })),
  }));
  return { responses, throttleTimeMs: 0 };
}
