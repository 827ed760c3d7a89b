// Puts the parts of one broker together: who is handed to whom. Nothing is started here.

import { type GatheringFileSystem, mustBePresent } from '@ottla/base';
import type { BrokerInfo, KafkaZkClient } from '@ottla/coordination';
import { SocketServer } from '@ottla/network';
import type { LogManager } from '@ottla/storage';
import type { AutoTopicCreationManager } from '../admin/auto-topic-creation-manager.ts';
import { ConfigServices, type KafkaConfig } from '../config/index.ts';
import type { KafkaController } from '../controller/kafka-controller.ts';
import { handlers, handlersFor } from '../handlers/index.ts';
import { MetadataCache } from '../metadata/metadata-cache.ts';
import type { ReplicaManager } from '../replica/replica-manager.ts';
import { createAdminManager, createAutoTopicCreation } from './admin-wiring.ts';
import { ApiVersionsManager } from './api-versions-manager.ts';
import type { BrokerPorts } from './broker-ports.ts';
import type { BrokerServices } from './broker-services.ts';
import { ClientInformationRegistry } from './client-information.ts';
import { createClientMetricsManager } from './client-metrics-wiring.ts';
import { createController } from './controller-wiring.ts';
import { CoordinatorElections, createGroupCoordinator } from './coordinator-wiring.ts';
import { InProcessChannel } from './in-process-channel.ts';
import {
  createFetchManager,
  createLogFileSystem,
  createLogManager,
  createReplicaManager,
  logReconfigurables,
} from './log-wiring.ts';
import { RequestDispatcher } from './request-dispatcher.ts';
import { DYNAMIC_SOCKET_SERVER_KEYS, socketServerLimits } from './socket-server-limits.ts';
import { type ChannelTo, createTransactionCoordinator, createTransactionVerifier } from './transaction-wiring.ts';

export interface BrokerPartsOptions {
  readonly ports: BrokerPorts;
  readonly config: KafkaConfig;
  readonly brokerId: number;
  readonly clusterId: string;
  readonly zkClient: KafkaZkClient;
  readonly onLogDirFailed: (logDir: string) => void;
}

export interface BrokerParts {
  readonly services: BrokerServices;
  readonly configs: ConfigServices;
  readonly logManager: LogManager;
  readonly replicaManager: ReplicaManager;
  readonly autoTopicCreation: AutoTopicCreationManager;
  readonly socketServer: SocketServer;
  /** Builds the controller once the broker is registered; until then nobody may ask for it. */
  attachController(brokerInfo: BrokerInfo, brokerEpoch: bigint): void;
}

/** Reads settings from the tree, so that every part starts with those in force. */
export async function createBrokerParts(options: BrokerPartsOptions): Promise<BrokerParts> {
  const { ports, config, brokerId, clusterId, zkClient } = options;
  const { clock, random, logger, metrics } = ports;
  const metadataCache = new MetadataCache();
  const configs: ConfigServices = new ConfigServices({
    config,
    zkClient,
    clock,
    logger,
    brokerId,
    topicExists: (topic) => metadataCache.containsTopic(topic),
    localTopics: () => replicaManager.localTopics(),
    onTopicConfig: (topic, logConfig) => replicaManager.updateTopicConfig(topic, logConfig),
    loggerLevels: ports.loggerLevels,
  });
  await configs.load();
  const repository = configs.repository;
  const logFileSystem = createLogFileSystem(ports, config, () => logManager);
  const logPorts = { ...ports, fileSystem: logFileSystem };
  const logManager: LogManager = await createLogManager({ ports: logPorts, config, zkClient, repository });
  for (const part of logReconfigurables(config, logManager)) configs.dynamicBrokerConfig.addReconfigurable(part);

  const channelTo: ChannelTo = (id) => (id === brokerId ? ownChannel : undefined);
  const partitionFor = (transactionalId: string): number =>
    transactions.transactionCoordinator.partitionFor(transactionalId);
  const verification = { metadataCache, channelTo, partitionFor };
  const replicaManager: ReplicaManager = createReplicaManager({
    ports,
    config,
    brokerId,
    logManager,
    metadataCache,
    repository,
    transactionVerifier: createTransactionVerifier(verification, 'produce'),
    onLogDirFailed: options.onLogDirFailed,
    alterLogDirsBytesPerSecond: () =>
      configs.dynamicBrokerConfig.bytesPerSecond('replica.alter.log.dirs.io.max.bytes.per.second'),
  });
  const groupCoordinator = createGroupCoordinator({
    ports,
    config,
    replicaManager,
    transactionVerifier: createTransactionVerifier(verification, 'txnOffsetCommit'),
  });
  const transactions = createTransactionCoordinator({
    clock,
    logger,
    config,
    brokerId,
    zkClient,
    metadataCache,
    logs: {
      append: (...given) => replicaManager.appender.append(...given),
      load: (...given) => replicaManager.loader.load(...given),
    },
    channelTo,
  });
  replicaManager.addLeadershipListener(
    new CoordinatorElections({ groups: groupCoordinator, transactions: transactions.transactionCoordinator, logger }),
  );

  const adminManager = createAdminManager({ ports, config, zkClient, metadataCache });
  const autoTopicCreation = createAutoTopicCreation({ ports, config, adminManager });

  const receivesTelemetry = ports.clientTelemetryReceiver !== undefined;
  let controller: KafkaController | undefined;
  const services: BrokerServices = {
    clock,
    random,
    logger,
    metrics,
    brokerId,
    clusterId,
    apiVersionsManager: new ApiVersionsManager(handlersFor({ receivesTelemetry }), config.apiLevel),
    config,
    configRepository: repository,
    configs,
    zkClient,
    metadataCache,
    replicaManager,
    fetchSessions: createFetchManager(ports, config),
    groupCoordinator,
    autoTopicCreation,
    adminManager,
    clientInformation: new ClientInformationRegistry(),
    clientMetricsManager: createClientMetricsManager(ports, config, configs),
    ...transactions,
    get controller() {
      return mustBePresent(controller, 'controller of a broker that is not registered');
    },
  };
  const ownChannel = createOwnChannel(services);
  return {
    services,
    configs,
    logManager,
    replicaManager,
    autoTopicCreation,
    socketServer: createSocketServer(ports, services, logFileSystem),
    attachController(brokerInfo, brokerEpoch) {
      controller = createController(services, { channelTo, brokerInfo, brokerEpoch });
    },
  };
}

/** Whatever release this broker plays towards clients, to itself it speaks the newest versions. */
function createOwnChannel(services: BrokerServices): InProcessChannel {
  const listenerName = services.config.interBrokerListenerName;
  const apiVersionsManager = new ApiVersionsManager(handlers);
  const dispatcher = createDispatcher(services, apiVersionsManager);
  return new InProcessChannel(dispatcher, { apiVersionsManager, listenerName, clientId: String(services.brokerId) });
}

function createDispatcher(services: BrokerServices, apiVersionsManager: ApiVersionsManager): RequestDispatcher {
  return new RequestDispatcher({
    apiVersionsManager,
    broker: services,
    clock: services.clock,
    logger: services.logger.child('kafka.server.KafkaApis'),
    metrics: services.metrics,
    privilegedListenerName: services.config.interBrokerListenerName,
  });
}

function createSocketServer(
  ports: BrokerPorts,
  services: BrokerServices,
  logFileSystem: GatheringFileSystem,
): SocketServer {
  const dispatcher = createDispatcher(services, services.apiVersionsManager);
  const socketServer = new SocketServer(
    {
      sockets: ports.sockets,
      clock: ports.clock,
      logger: ports.logger.child('kafka.network.SocketServer'),
      metrics: ports.metrics,
      onRequest: (request) => dispatcher.dispatch(request),
      together: (work, chunk) => logFileSystem.together(work, chunk),
    },
    socketServerLimits(services.config),
  );
  services.configs.dynamicBrokerConfig.addReconfigurable({
    name: 'SocketServer',
    keys: DYNAMIC_SOCKET_SERVER_KEYS,
    reconfigure: () => socketServer.updateLimits(socketServerLimits(services.config)),
  });
  return socketServer;
}
