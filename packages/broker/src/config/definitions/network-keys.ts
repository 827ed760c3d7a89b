// Listeners, sockets and connections: keys of server.properties. Facts from Kafka 3.9; what `status` says is ours.

import { atLeast, oneOf } from '@ottla/base';
import type { BrokerConfigKey } from '../broker-config-key.ts';

// biome-ignore format: one key a line
export const networkKeys: readonly BrokerConfigKey[] = [
  { name: 'listeners', type: 'string', default: 'PLAINTEXT://:9092', importance: 'high', status: 'used', dynamic: 'per-broker', doc: 'Addresses to listen on: NAME://host:port, separated by commas. An empty host listens everywhere; port 0 takes a free one.' },
  { name: 'advertised.listeners', type: 'string', default: null, importance: 'high', status: 'used', dynamic: 'per-broker', doc: 'Addresses told to clients, where they differ from listeners.' },
  { name: 'listener.security.protocol.map', type: 'string', default: 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT', importance: 'low', status: 'used', dynamic: 'per-broker', doc: 'Security protocol of each listener name. Only PLAINTEXT is built.' },
  { name: 'inter.broker.listener.name', type: 'string', default: null, importance: 'medium', status: 'used', doc: 'Listener that brokers speak to each other through.' },
  { name: 'security.inter.broker.protocol', type: 'string', default: 'PLAINTEXT', validator: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'), importance: 'medium', status: 'used', doc: 'Security protocol between brokers, where inter.broker.listener.name is not set.' },
  { name: 'control.plane.listener.name', type: 'string', default: null, importance: 'high', status: 'refused', doc: 'Listener of its own for requests from the controller.' },
  { name: 'early.start.listeners', type: 'string', default: null, importance: 'high', status: 'ignored', doc: 'Listeners that a KRaft broker opens before it is ready.' },
  { name: 'socket.send.buffer.bytes', type: 'int', default: '102400', importance: 'high', status: 'ignored', doc: 'Send buffer of server sockets; -1 leaves it to the system.' },
  { name: 'socket.receive.buffer.bytes', type: 'int', default: '102400', importance: 'high', status: 'ignored', doc: 'Receive buffer of server sockets; -1 leaves it to the system.' },
  { name: 'socket.request.max.bytes', type: 'int', default: '104857600', validator: atLeast(1), importance: 'high', status: 'used', doc: 'Largest request accepted; a larger one closes the connection.' },
  { name: 'socket.listen.backlog.size', type: 'int', default: '50', validator: atLeast(1), importance: 'medium', status: 'used', doc: 'Connections that may wait to be accepted. Here 4096 where it is less: with 50 a thousand clients that come back together need many seconds.' },
  { name: 'socket.connection.setup.timeout.ms', type: 'long', default: '10000', importance: 'medium', status: 'ignored', doc: 'How long connecting to another broker may take.' },
  { name: 'socket.connection.setup.timeout.max.ms', type: 'long', default: '30000', importance: 'medium', status: 'ignored', doc: 'Upper bound of the growing connection timeout.' },
  { name: 'queued.max.requests', type: 'int', default: '500', validator: atLeast(1), importance: 'high', status: 'used', doc: 'Requests in flight after which no more are read from sockets.' },
  { name: 'queued.max.request.bytes', type: 'long', default: '-1', importance: 'medium', status: 'used', doc: 'Bytes of requests in flight after which no more are read; -1: no bound.' },
  { name: 'max.connections', type: 'int', default: '2147483647', validator: atLeast(0), importance: 'medium', status: 'used', dynamic: 'cluster-wide', doc: 'Connections to this broker at most.' },
  { name: 'max.connections.per.ip', type: 'int', default: '2147483647', validator: atLeast(0), importance: 'medium', status: 'used', dynamic: 'cluster-wide', doc: 'Connections from one address at most.' },
  { name: 'max.connections.per.ip.overrides', type: 'string', default: '', importance: 'medium', status: 'used', dynamic: 'cluster-wide', doc: 'Other limits for some addresses: host:count, separated by commas.' },
  { name: 'max.connection.creation.rate', type: 'int', default: '2147483647', validator: atLeast(0), importance: 'medium', status: 'ignored', dynamic: 'cluster-wide', doc: 'New connections a second at most.' },
  { name: 'connections.max.idle.ms', type: 'long', default: '600000', importance: 'medium', status: 'used', doc: 'A connection silent for so long is closed.' },
  { name: 'connections.max.reauth.ms', type: 'long', default: '0', importance: 'medium', status: 'ignored', doc: 'Longest life of an authenticated SASL session; 0: no bound.' },
  { name: 'connection.failed.authentication.delay.ms', type: 'int', default: '100', validator: atLeast(0), importance: 'low', status: 'ignored', doc: 'How long the answer to a failed authentication is held back.' },
];
