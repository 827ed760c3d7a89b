// The socket server's limits under their keys.

import type { SocketServerLimits } from '@ottla/network';
import type { KafkaConfig } from '../config/index.ts';

/** Node accepts one connection in each turn of the event loop: with Kafka's 50, which is known to be few (KIP-764), a thousand clients that come
 *  back together have most of their attempts refused and need 15 s. What waits here costs the system a few hundred bytes each. */
const BACKLOG_MIN = 4096;

export function socketServerLimits(config: KafkaConfig): SocketServerLimits {
  return {
    requestBytesMax: config.number('socket.request.max.bytes'),
    queuedRequestBytesMax: config.number('queued.max.request.bytes'),
    inFlightRequestsMax: config.number('queued.max.requests'),
    connectionsMax: config.number('max.connections'),
    connectionsPerIpMax: config.number('max.connections.per.ip'),
    connectionsPerIpOverrides: config.maxConnectionsPerIpOverrides,
    connectionsIdleMsMax: config.number('connections.max.idle.ms'),
    backlog: Math.max(BACKLOG_MIN, config.number('socket.listen.backlog.size')),
  };
}

/** Keys that may change while running. */
export const DYNAMIC_SOCKET_SERVER_KEYS = [
  'max.connections',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
] as const;
