// The socket server's limits under their keys.

import type { SocketServerLimits } from '@ottla/network';
import type { KafkaConfig } from '../config/index.ts';

export function socketServerLimits(config: KafkaConfig): SocketServerLimits {
  return {
    requestBytesMax: config.number('socket.request.max.bytes'),
    queuedRequestBytesMax: config.number('queued.max.request.bytes'),
    inFlightRequestsMax: config.number('queued.max.requests'),
    connectionsMax: config.number('max.connections'),
    connectionsPerIpMax: config.number('max.connections.per.ip'),
    connectionsPerIpOverrides: config.maxConnectionsPerIpOverrides,
    connectionsIdleMsMax: config.number('connections.max.idle.ms'),
    backlog: config.number('socket.listen.backlog.size'),
  };
}

/** Keys that may change while running. */
export const DYNAMIC_SOCKET_SERVER_KEYS = [
  'max.connections',
  'max.connections.per.ip',
  'max.connections.per.ip.overrides',
] as const;
