// Ties clients' metrics to the settings that ask for them.

import { ClientMetricsManager } from '../client-metrics/client-metrics-manager.ts';
import { CLIENT_METRICS_TYPE } from '../config/config-admin.ts';
import type { ConfigServices, KafkaConfig } from '../config/index.ts';
import type { BrokerPorts } from './broker-ports.ts';

export function createClientMetricsManager(
  ports: BrokerPorts,
  config: KafkaConfig,
  configs: ConfigServices,
): ClientMetricsManager {
  const logger = ports.logger.child('org.apache.kafka.server.ClientMetricsManager');
  const manager = new ClientMetricsManager({
    clock: ports.clock,
    random: ports.random,
    logger,
    metrics: ports.metrics,
    telemetryBytesMax: config.number('telemetry.max.bytes'),
    receiver: ports.clientTelemetryReceiver,
  });
  configs.manager.addListener(CLIENT_METRICS_TYPE, (name, config) => {
    try {
      manager.updateSubscription(decodeURIComponent(name), config);
    } catch (error) {
      // Changes are checked before they are stored: this one was stored by somebody else. The others still count.
      logger.error('a client metrics subscription is not valid', { name, error });
    }
  });
  return manager;
}
