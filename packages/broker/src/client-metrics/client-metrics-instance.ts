// One client as its telemetry is concerned: who it is, what it is asked for, and when it last asked and pushed.
// Source: org.apache.kafka.server.metrics.{ClientMetricsInstance, ClientMetricsInstanceMetadata} (3.9).

import type { Uuid } from '@ottla/base';
import type { RequestContext } from '../server/request-context.ts';
import type { LinearPattern } from './linear-pattern.ts';

/** What subscriptions can match: parameter → value; a parameter without value is absent. */
export type ClientMetricsInstanceMetadata = ReadonlyMap<string, string>;

export function instanceMetadataOf(clientInstanceId: Uuid, context: RequestContext): ClientMetricsInstanceMetadata {
  const { softwareName, softwareVersion } = context.broker.clientInformation.of(context.connection);
  const metadata = new Map([
    ['client_instance_id', clientInstanceId],
    ['client_software_name', softwareName],
    ['client_software_version', softwareVersion],
    ['client_source_address', context.clientAddress],
    ['client_source_port', String(context.connection.remotePort)],
  ]);
  const { clientId } = context.header;
  if (clientId !== null) metadata.set('client_id', clientId);
  return metadata;
}

/** Does a client fulfil all of a subscription's patterns? None match every client. */
export function isMatch(
  metadata: ClientMetricsInstanceMetadata,
  patterns: ReadonlyMap<string, LinearPattern>,
): boolean {
  for (const [parameter, pattern] of patterns) {
    const value = metadata.get(parameter);
    if (value === undefined || !pattern.matches(value)) return false;
  }
  return true;
}

export interface ClientMetricsSubscription {
  readonly subscriptionId: number;
  /** Prefixes of metrics' names; `*` alone: all. */
  readonly metrics: readonly string[];
  readonly pushIntervalMs: number;
  /** Of the set of subscriptions it was computed from. */
  readonly version: number;
}

export class ClientMetricsInstance {
  readonly clientInstanceId: Uuid;
  readonly metadata: ClientMetricsInstanceMetadata;
  readonly subscription: ClientMetricsSubscription;
  /** The last push was announced to be the last one. */
  isTerminating = false;
  /** On the monotonic clock; −Infinity: not yet. */
  #lastGetMs = Number.NEGATIVE_INFINITY;
  #lastPushMs = Number.NEGATIVE_INFINITY;

  constructor(
    clientInstanceId: Uuid,
    metadata: ClientMetricsInstanceMetadata,
    subscription: ClientMetricsSubscription,
  ) {
    this.clientInstanceId = clientInstanceId;
    this.metadata = metadata;
    this.subscription = subscription;
  }

  /** Notes the request. @returns false: it comes before the push interval is over */
  maybeUpdateGetRequestTimestamp(nowMs: number): boolean {
    if (nowMs - Math.max(this.#lastGetMs, this.#lastPushMs) < this.subscription.pushIntervalMs) return false;
    this.#lastGetMs = nowMs;
    return true;
  }

  /** Notes the request. The first push after a request for the subscription may come at once.
   *  @returns false: it comes before the push interval is over */
  maybeUpdatePushRequestTimestamp(nowMs: number): boolean {
    const isFirst = this.#lastGetMs > this.#lastPushMs;
    if (!isFirst && nowMs - this.#lastPushMs < this.subscription.pushIntervalMs) return false;
    this.#lastPushMs = nowMs;
    return true;
  }
}
