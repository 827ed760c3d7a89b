// Embedding: a broker for tests and programs, in this process.

export { ConfigError } from '@ottla/base';
export type {
  ClientTelemetryContext,
  ClientTelemetryPayload,
  ClientTelemetryReceiver,
  Rebalance,
  RebalanceEvent,
} from '@ottla/broker';
export { type RunningBroker, type StartBrokerOptions, startBroker } from './start-broker.ts';
