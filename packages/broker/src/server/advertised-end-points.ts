// What this broker tells the cluster about where it listens, once the ports are bound. Source: kafka.server.KafkaServer.createBrokerInfo,
// computeAdvertisedListeners.

import { assert } from '@ottla/base';
import type { EndPoint, KafkaConfig } from '../config/index.ts';

/** The advertised listeners with the ports that were bound in place of 0, and this machine's name in place of no host. */
export function advertisedEndPoints(
  config: KafkaConfig,
  boundPorts: ReadonlyMap<string, number>,
  hostName: string,
): EndPoint[] {
  return config.advertisedListeners.map((endPoint) => {
    const port = endPoint.port === 0 ? boundPorts.get(endPoint.listenerName) : endPoint.port;
    assert(port !== undefined, `listener ${endPoint.listenerName} was not bound`);
    return { ...endPoint, port, host: endPoint.host === '' ? hostName : endPoint.host };
  });
}
