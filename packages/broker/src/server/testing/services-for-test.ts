// A BrokerServices for tests of one handler: what the test hands in is there, anything else fails loudly when it is touched.

import { FakeClock, MetricsRegistry, SeededRandom, silentLogger } from '@ottla/base';
import type { ConnectionContext } from '@ottla/network';
import { ApiVersionsManager } from '../api-versions-manager.ts';
import type { BrokerServices } from '../broker-services.ts';
import { ClientInformationRegistry } from '../client-information.ts';
import { ANONYMOUS, type RequestContext } from '../request-context.ts';

export function servicesForTest(parts: Partial<BrokerServices> = {}): BrokerServices {
  const clock = parts.clock ?? new FakeClock();
  const given: Partial<BrokerServices> = {
    clock,
    random: new SeededRandom(1),
    logger: silentLogger,
    metrics: new MetricsRegistry(clock),
    brokerId: 0,
    clusterId: 'test-cluster',
    apiVersionsManager: new ApiVersionsManager([]),
    clientInformation: new ClientInformationRegistry(),
    ...parts,
  };
  return new Proxy(given as BrokerServices, {
    get(target, name, receiver): unknown {
      if (!(name in target)) throw new Error(`the test brought no ${String(name)}`);
      return Reflect.get(target, name, receiver);
    },
  });
}

export interface ContextForTest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly clientId?: string | null;
  readonly clientAddress?: string;
  readonly fromPrivilegedListener?: boolean;
  readonly connection?: ConnectionContext;
}

/** A connection that was never made. */
export function connectionForTest(given: Partial<ConnectionContext> = {}): ConnectionContext {
  return {
    connectionId: 'test',
    listenerName: 'PLAINTEXT',
    securityProtocol: 'PLAINTEXT',
    remoteAddress: '127.0.0.1',
    remotePort: 40_000,
    localPort: 9092,
    throttle() {},
    ...given,
  };
}

export function contextForTest(options: ContextForTest, parts: Partial<BrokerServices> = {}): RequestContext {
  const { apiKey, apiVersion, clientId = 'test', clientAddress = '127.0.0.1', fromPrivilegedListener = true } = options;
  const { connection = connectionForTest({ remoteAddress: clientAddress }) } = options;
  return {
    header: { apiKey, apiVersion, correlationId: 1, clientId },
    principal: ANONYMOUS,
    clientAddress,
    listenerName: 'PLAINTEXT',
    connectionId: connection.connectionId,
    connection,
    fromPrivilegedListener,
    broker: servicesForTest(parts),
  };
}
