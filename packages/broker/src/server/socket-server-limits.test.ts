import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KafkaConfig } from '../config/index.ts';
import { socketServerLimits } from './socket-server-limits.ts';

function limitsOf(properties: Record<string, string>) {
  return socketServerLimits(KafkaConfig.fromProperties(new Map(Object.entries(properties))));
}

describe('the limits of the socket server', () => {
  test('stand under their keys', () => {
    const limits = limitsOf({
      'socket.request.max.bytes': '1000',
      'queued.max.requests': '7',
      'queued.max.request.bytes': '5000',
      'max.connections': '30',
      'max.connections.per.ip': '20',
      'max.connections.per.ip.overrides': '127.0.0.1:10',
      'connections.max.idle.ms': '60000',
      'socket.listen.backlog.size': '5000',
    });
    assert.deepEqual(limits, {
      requestBytesMax: 1000,
      inFlightRequestsMax: 7,
      queuedRequestBytesMax: 5000,
      connectionsMax: 30,
      connectionsPerIpMax: 20,
      connectionsPerIpOverrides: new Map([['127.0.0.1', 10]]),
      connectionsIdleMsMax: 60_000,
      backlog: 5000,
    });
  });

  test('a short backlog is lengthened', () => {
    for (const properties of [{}, { 'socket.listen.backlog.size': '128' }]) {
      assert.equal(limitsOf(properties).backlog, 4096);
    }
  });
});
