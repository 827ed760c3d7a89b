// Requests of the controller carry the epoch of the broker's life they are meant for. Source: KIP-380, kafka.server.KafkaApis.isBrokerEpochStale.

import type { BrokerServices } from './broker-services.ts';

/** The controller does not say. */
const UNKNOWN_BROKER_EPOCH = -1n;

/** Is a request with `brokerEpoch` meant for an earlier life of this broker? */
export function isBrokerEpochStale(brokerEpoch: bigint, broker: BrokerServices): boolean {
  // After the broker registered anew and before it knows, the controller may be ahead of it: only an older epoch is stale.
  return brokerEpoch !== UNKNOWN_BROKER_EPOCH && brokerEpoch < broker.controller.brokerEpoch;
}
