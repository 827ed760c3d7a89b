// Which metrics clients are asked for, and what becomes of those they push. Subscriptions are settings of CLIENT_METRICS resources; a client
// gets the union of those that match it, at the shortest interval. Clients are told apart by the id they were given, remembered for a while.
// Source: org.apache.kafka.server.ClientMetricsManager (3.9), KIP-714.

import {
  type Clock,
  type ErrorCode,
  Errors,
  KafkaError,
  type Logger,
  type MetricsRegistry,
  ONE_UUID,
  type Random,
  randomUuid,
  type Uuid,
  ZERO_UUID,
} from '@ottla/base';
import type { Decoded, GetTelemetrySubscriptionsResponse, PushTelemetryRequest } from '@ottla/protocol';
import { type CompressionType, CorruptRecordError, decompress, InvalidRecordError } from '@ottla/records';
import {
  clientMetricsConfigDef,
  DEFAULT_INTERVAL_MS,
  parseMatchingPatterns,
  validateClientMetricsConfig,
} from '../config/client-metrics-config.ts';
import type { RequestContext } from '../server/request-context.ts';
import { ClientMetricsCache } from './client-metrics-cache.ts';
import {
  ClientMetricsInstance,
  type ClientMetricsInstanceMetadata,
  type ClientMetricsSubscription,
  instanceMetadataOf,
  isMatch,
} from './client-metrics-instance.ts';
import { ClientMetricsStats } from './client-metrics-stats.ts';
import type { ClientTelemetryContext, ClientTelemetryReceiver } from './client-telemetry-receiver.ts';
import type { LinearPattern } from './linear-pattern.ts';
import { computeSubscriptionId, inHashSetOrder } from './subscription-id.ts';

/** Clients that are remembered. */
export const CACHE_SIZE_MAX = 16_384;
const CACHE_EXPIRY_MS_MIN = 60_000;
/** A client that missed so many pushes is gone. */
const EXPIRY_INTERVALS = 3;
/** What a push may unpack to, in multiples of telemetry.max.bytes. Kafka has no bound. */
const DECOMPRESSED_FACTOR_MAX = 32;
const ALL_METRICS = '*';
/** Preferred first: zstd, lz4, gzip, snappy. */
const ACCEPTED_COMPRESSION_TYPES = [4, 3, 1, 2];
/** By their number on the wire. */
const COMPRESSION_TYPES: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

interface SubscriptionInfo {
  readonly metrics: readonly string[];
  readonly intervalMs: number;
  readonly match: ReadonlyMap<string, LinearPattern>;
}

export interface ClientMetricsManagerDependencies {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** telemetry.max.bytes */
  readonly telemetryBytesMax: number;
  /** Absent: pushes go nowhere. */
  readonly receiver?: ClientTelemetryReceiver | undefined;
}

export class ClientMetricsManager {
  readonly #dependencies: ClientMetricsManagerDependencies;
  readonly #instances: ClientMetricsCache;
  readonly #stats: ClientMetricsStats;
  readonly #subscriptions = new Map<string, SubscriptionInfo>();
  /** Grows with every change: instances that were computed from an older one are computed again. */
  #subscriptionsVersion = 0;

  constructor(dependencies: ClientMetricsManagerDependencies) {
    this.#dependencies = dependencies;
    this.#instances = new ClientMetricsCache(dependencies.clock, CACHE_SIZE_MAX);
    this.#stats = new ClientMetricsStats(dependencies.metrics, () => this.#instances.size);
  }

  /** Forgets every client. Safe to call twice. */
  close(): void {
    this.#instances.clear();
    this.#stats.close();
  }

  /** A subscription's settings are these from now on; none: there is no such subscription.
   *  @throws KafkaError INVALID_REQUEST or INVALID_CONFIG; the subscription stays as it was */
  updateSubscription(name: string, config: ReadonlyMap<string, string>): void {
    validateClientMetricsConfig(name, config);
    if (config.size === 0) {
      if (this.#subscriptions.delete(name)) this.#subscriptionsVersion++;
      return;
    }
    const values = clientMetricsConfigDef.parse(config);
    this.#subscriptions.set(name, {
      metrics: values.list('metrics'),
      intervalMs: values.number('interval.ms'),
      match: parseMatchingPatterns(values.list('match')),
    });
    this.#subscriptionsVersion++;
  }

  /** What the client is asked for. Asking before the push interval is over is refused, whatever error came before; asking after a change of
   *  the subscriptions is not. @throws KafkaError THROTTLING_QUOTA_EXCEEDED */
  getSubscription(requestedId: Uuid, context: RequestContext): GetTelemetrySubscriptionsResponse {
    const clientInstanceId = requestedId === ZERO_UUID ? this.#newInstanceId() : requestedId;
    const instance = this.#instance(clientInstanceId, context);
    if (!instance.maybeUpdateGetRequestTimestamp(this.#dependencies.clock.monotonicMs())) {
      throw this.#tooEarly(clientInstanceId);
    }
    const { subscriptionId, pushIntervalMs, metrics } = instance.subscription;
    return {
      throttleTimeMs: 0,
      errorCode: Errors.NONE,
      clientInstanceId,
      subscriptionId,
      acceptedCompressionTypes: ACCEPTED_COMPRESSION_TYPES,
      pushIntervalMs,
      telemetryMaxBytes: this.#dependencies.telemetryBytesMax,
      deltaTemporality: true,
      requestedMetrics: [...metrics],
    };
  }

  /** Takes a push. @returns the error to answer with */
  async push(request: Decoded<PushTelemetryRequest>, context: RequestContext): Promise<ErrorCode> {
    const { clientInstanceId, terminating, metrics } = request;
    if (clientInstanceId === ZERO_UUID || clientInstanceId === ONE_UUID) return Errors.INVALID_REQUEST;
    const instance = this.#instance(clientInstanceId, context);
    const refusal = this.#reasonToRefuse(request, instance);
    instance.isTerminating = terminating;
    return refusal === Errors.NONE && metrics.length > 0 ? this.#export(request, context) : refusal;
  }

  #reasonToRefuse(request: Decoded<PushTelemetryRequest>, instance: ClientMetricsInstance): ErrorCode {
    if (instance.isTerminating) return Errors.INVALID_REQUEST;
    const isInTime = instance.maybeUpdatePushRequestTimestamp(this.#dependencies.clock.monotonicMs());
    if (!isInTime && !request.terminating) {
      this.#stats.throttles.mark();
      return Errors.THROTTLING_QUOTA_EXCEEDED;
    }
    if (request.subscriptionId !== instance.subscription.subscriptionId) {
      this.#stats.unknownSubscriptionRequests.mark();
      return Errors.UNKNOWN_SUBSCRIPTION_ID;
    }
    if (COMPRESSION_TYPES[request.compressionType] === undefined) return Errors.UNSUPPORTED_COMPRESSION_TYPE;
    if (request.metrics.length > this.#dependencies.telemetryBytesMax) return Errors.TELEMETRY_TOO_LARGE;
    return Errors.NONE;
  }

  async #export(request: Decoded<PushTelemetryRequest>, context: RequestContext): Promise<ErrorCode> {
    const { receiver, clock, logger } = this.#dependencies;
    if (receiver === undefined) return Errors.NONE;
    const { clientInstanceId, terminating: isTerminating } = request;
    const startedMs = clock.monotonicMs();
    try {
      const data = this.#decompressed(request);
      await receiver.exportMetrics(telemetryContextOf(context), {
        clientInstanceId,
        isTerminating,
        contentType: 'OTLP',
        data,
      });
    } catch (error) {
      this.#stats.exportErrors.mark();
      if (error instanceof InvalidRecordError) return Errors.TELEMETRY_TOO_LARGE;
      const fields = { clientInstanceId, connectionId: context.connectionId, error };
      // Bytes that do not unpack are the client's fault; anything else is the receiver's.
      if (error instanceof CorruptRecordError) logger.debug('a push of client metrics cannot be decompressed', fields);
      else logger.error('cannot export client metrics', fields);
      return Errors.INVALID_RECORD;
    }
    this.#stats.exports.mark();
    this.#stats.exportTimeMs.update(clock.monotonicMs() - startedMs);
    return Errors.NONE;
  }

  #decompressed({ compressionType, metrics }: Decoded<PushTelemetryRequest>): Buffer {
    const maxSizeInBytes = this.#dependencies.telemetryBytesMax * DECOMPRESSED_FACTOR_MAX;
    return decompress(COMPRESSION_TYPES[compressionType] ?? 'none', metrics, { maxSizeInBytes });
  }

  /** The client as it is remembered, its subscription brought up to date. */
  #instance(id: Uuid, context: RequestContext): ClientMetricsInstance {
    let instance = this.#instances.get(id);
    if (instance === undefined || instance.subscription.version < this.#subscriptionsVersion) {
      const metadata = instance?.metadata ?? instanceMetadataOf(id, context);
      instance = new ClientMetricsInstance(id, metadata, this.#subscriptionFor(id, metadata));
    }
    const expiryMs = Math.max(CACHE_EXPIRY_MS_MIN, EXPIRY_INTERVALS * instance.subscription.pushIntervalMs);
    this.#instances.put(instance, expiryMs);
    return instance;
  }

  #subscriptionFor(id: Uuid, metadata: ClientMetricsInstanceMetadata): ClientMetricsSubscription {
    const wanted = new Set<string>();
    let pushIntervalMs = DEFAULT_INTERVAL_MS;
    for (const { metrics, intervalMs, match } of this.#subscriptions.values()) {
      if (!isMatch(metadata, match)) continue;
      for (const metric of metrics) wanted.add(metric);
      pushIntervalMs = Math.min(pushIntervalMs, intervalMs);
    }
    const metrics = wanted.has(ALL_METRICS) ? [ALL_METRICS] : inHashSetOrder(wanted);
    const subscriptionId = computeSubscriptionId(metrics, pushIntervalMs, id);
    return { subscriptionId, metrics, pushIntervalMs, version: this.#subscriptionsVersion };
  }

  #newInstanceId(): Uuid {
    for (;;) {
      const id = randomUuid(this.#dependencies.random);
      if (this.#instances.get(id) === undefined) return id;
    }
  }

  #tooEarly(id: Uuid): KafkaError {
    this.#stats.throttles.mark();
    const message = `Request from the client [${id}] arrived before the next push interval time`;
    return new KafkaError(Errors.THROTTLING_QUOTA_EXCEEDED, message);
  }
}

function telemetryContextOf(context: RequestContext): ClientTelemetryContext {
  const { principal, clientAddress, listenerName, connection } = context;
  const information = context.broker.clientInformation.of(connection);
  return { clientId: context.header.clientId, clientAddress, principal, listenerName, ...information };
}
