// A BrokerServices for tests of one handler: what the test hands in is there, anything else fails loudly when it is touched.

import { FakeClock, MetricsRegistry, SeededRandom, silentLogger } from '@ottla/base';
import { ApiVersionsManager } from '../api-versions-manager.ts';
import type { BrokerServices } from '../broker-services.ts';
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
}

export function contextForTest(options: ContextForTest, parts: Partial<BrokerServices> = {}): RequestContext {
  const { apiKey, apiVersion, clientId = 'test', clientAddress = '127.0.0.1', fromPrivilegedListener = true } = options;
  return {
    header: { apiKey, apiVersion, correlationId: 1, clientId },
    principal: ANONYMOUS,
    clientAddress,
    listenerName: 'PLAINTEXT',
    connectionId: 'test',
    fromPrivilegedListener,
    broker: servicesForTest(parts),
  };
}
