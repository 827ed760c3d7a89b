// Where clients' metrics go: whoever embeds the broker brings a receiver. Source: org.apache.kafka.server.telemetry (ClientTelemetryReceiver,
// ClientTelemetryPayload), KIP-714.

import type { Uuid } from '@ottla/base';
import type { KafkaPrincipal } from '../server/request-context.ts';

/** Who pushed. */
export interface ClientTelemetryContext {
  readonly clientId: string | null;
  readonly clientAddress: string;
  readonly principal: KafkaPrincipal;
  readonly listenerName: string;
  readonly softwareName: string;
  readonly softwareVersion: string;
}

export interface ClientTelemetryPayload {
  readonly clientInstanceId: Uuid;
  /** The client is about to end: this is its last push. */
  readonly isTerminating: boolean;
  readonly contentType: 'OTLP';
  /** Decompressed: OpenTelemetry's MetricsData (v1) in protocol buffers, as the client wrote it. The receiver may keep it. */
  readonly data: Buffer;
}

export interface ClientTelemetryReceiver {
  /** Takes one push; the client waits meanwhile, so long work is to be done later. A throw, or a rejection, is answered with INVALID_RECORD. */
  exportMetrics(context: ClientTelemetryContext, payload: ClientTelemetryPayload): void | Promise<void>;
}
