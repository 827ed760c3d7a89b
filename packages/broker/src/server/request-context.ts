// What a handler is told about the request it answers, beside the request itself.
// Source: org.apache.kafka.common.requests.RequestContext, org.apache.kafka.common.security.auth.KafkaPrincipal.

import type { ConnectionContext } from '@ottla/network';
import type { BrokerServices } from './broker-services.ts';

/** Who speaks, after authentication. */
export interface KafkaPrincipal {
  /** `User` unless a plugged-in builder says otherwise. */
  readonly principalType: string;
  readonly name: string;
}

/** Who speaks on a listener that authenticates nobody. */
export const ANONYMOUS: KafkaPrincipal = { principalType: 'User', name: 'ANONYMOUS' };

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

export interface RequestContext {
  readonly header: RequestHeader;
  readonly principal: KafkaPrincipal;
  /** The peer's IP address, without its port. */
  readonly clientAddress: string;
  readonly listenerName: string;
  /** `localHost:localPort-remoteHost:remotePort-number`: unique among the connections of this process. */
  readonly connectionId: string;
  /** The connection itself; the same object for all its requests. */
  readonly connection: ConnectionContext;
  /** True on the listener that brokers speak to each other through, and for the in-process channel. */
  readonly fromPrivilegedListener: boolean;
  readonly broker: BrokerServices;
}
