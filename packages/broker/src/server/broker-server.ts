// One broker: starts its parts in an order in which each finds what it needs, and closes them in reverse. It listens early, so that the
// port is known when the broker registers, and answers last, when the cluster's metadata has arrived.
// Source: kafka.server.KafkaServer (startup, shutdown).

import { mustBePresent, randomUuid } from '@ottla/base';
import { KafkaZkClient, ZooKeeperClient } from '@ottla/coordination';
import { loadCompressionCodecs } from '@ottla/records';
import type { EndPoint, KafkaConfig } from '../config/index.ts';
import { OFFSETS_TOPIC } from '../group/index.ts';
import { adoptLogDirs, findUnknownTopics, warnOfUnknownTopics } from './adopt-log-dirs.ts';
import { skipAdoptedProducerIds } from './adopted-producer-ids.ts';
import { advertisedEndPoints } from './advertised-end-points.ts';
import { agreeOnBrokerId, agreeOnClusterId, readStoredIdentity, type StoredIdentity } from './broker-identity.ts';
import { type BrokerParts, createBrokerParts } from './broker-parts.ts';
import type { BrokerPorts } from './broker-ports.ts';
import type { BrokerServices } from './broker-services.ts';
import { brokerInfoOf } from './controller-wiring.ts';
import { EmbeddedTreeStep } from './embedded-tree-step.ts';
import { EventLoopMonitor } from './event-loop-monitor.ts';
import { Lifecycle, type LifecycleStep } from './lifecycle.ts';
import { logDirsOf } from './log-wiring.ts';
import { raiseStaleLeaderEpochs } from './stale-leader-epochs.ts';

export interface BrokerServerOptions {
  readonly config: KafkaConfig;
  readonly ports: BrokerPorts;
  /** Make topics of partition directories that the tree does not know, and go on after the leader epochs and producer ids of those that it
   *  knows. Otherwise directories without a topic are left alone, with a warning. */
  readonly adoptLogDirs?: boolean;
  /** The broker cannot go on (its last log dir failed): whoever runs it ends the process, without closing it. */
  readonly onFatal?: (error: Error) => void;
}

/** How long requests in flight may take when the broker closes. */
const CLOSE_GRACE_MS = 5000;
/** How long the start waits to hear of itself from the controller. */
const FIRST_METADATA_MS = 30_000;

/** No log dir is left to work with. */
export class AllLogDirsFailedError extends Error {
  override readonly name = 'AllLogDirsFailedError';
}

/** What is known before the parts are built. */
interface Foundation {
  readonly stored: StoredIdentity;
  readonly zooKeeperClient: ZooKeeperClient;
  readonly zkClient: KafkaZkClient;
}

export class BrokerServer {
  readonly #config: KafkaConfig;
  readonly #ports: BrokerPorts;
  readonly #adoptLogDirs: boolean;
  readonly #onFatal: (error: Error) => void;
  readonly #lifecycle: Lifecycle;
  #foundation: Foundation | undefined;
  #parts: BrokerParts | undefined;
  #embeddedTree: EmbeddedTreeStep | undefined;
  #endPoints: readonly EndPoint[] = [];

  constructor(options: BrokerServerOptions) {
    this.#config = options.config;
    this.#ports = options.ports;
    this.#adoptLogDirs = options.adoptLogDirs ?? false;
    this.#onFatal = options.onFatal ?? (() => {});
    this.#lifecycle = new Lifecycle(this.#steps(), options.ports.logger.child('kafka.server.KafkaServer'));
  }

  /** Resolves when the broker answers requests and knows the cluster. Safe to call twice.
   *  @throws InconsistentBrokerIdError, InconsistentClusterIdError, LogDirectoryInUseError, SocketError, StorageError … after closing
   *  what was started */
  start(): Promise<void> {
    return this.#lifecycle.start();
  }

  /** Lets requests in flight finish, writes checkpoints, syncs logs and leaves the clean-shutdown marker. Safe to call twice. */
  close(): Promise<void> {
    return this.#lifecycle.close();
  }

  get brokerId(): number {
    return this.services.brokerId;
  }

  get clusterId(): string {
    return this.services.clusterId;
  }

  /** Where clients find this broker, with the ports that were bound. */
  get endPoints(): readonly EndPoint[] {
    return this.#endPoints;
  }

  /** The parts, for whoever embeds the broker and for tests. Only while it runs. */
  get services(): BrokerServices {
    return this.#started.services;
  }

  get #started(): BrokerParts {
    return mustBePresent(this.#parts, 'the parts of a broker that was not started');
  }

  get #founded(): Foundation {
    return mustBePresent(this.#foundation, 'the foundation of a broker that was not started');
  }

  #steps(): LifecycleStep[] {
    return [
      new EventLoopMonitor(this.#ports),
      { name: 'compression codecs', start: loadCompressionCodecs },
      ...this.#treeSteps(),
      { name: 'parts', start: () => this.#createParts() },
      {
        name: 'log manager',
        start: () => this.#started.logManager.start(),
        close: () => this.#parts?.logManager.close(),
      },
      { name: 'unknown partition directories', start: () => this.#treatUnknownDirectories() },
      { name: 'replica manager', close: () => this.#parts?.replicaManager.close() },
      { name: 'socket server', start: () => this.#bind(), close: () => this.#parts?.socketServer.close(0) },
      { name: 'client metrics', close: () => this.#parts?.services.clientMetricsManager.close() },
      { name: 'settings', start: () => this.#started.configs.start(), close: () => this.#parts?.configs.close() },
      {
        name: 'coordinators',
        start: () => this.#startCoordinators(),
        close: () => this.#closeCoordinators(),
      },
      { name: 'topic creation', close: () => this.#parts?.autoTopicCreation.close() },
      { name: 'registration', start: () => this.#register() },
      {
        name: 'controller',
        start: () => this.services.controller.start(),
        close: () => this.services.controller.close(),
      },
      { name: 'metadata', start: () => this.#awaitMetadata() },
      {
        name: 'processing',
        start: () => this.#started.socketServer.enableProcessing(),
        close: () => this.#finishRequests(),
      },
      { name: 'patience with a full disk', close: () => this.#embeddedTree?.stopWaitingForSpace() },
    ];
  }

  #treeSteps(): LifecycleStep[] {
    const { fileSystem, clock, logger, treeConnector } = this.#ports;
    const logDirs = logDirsOf(this.#config);
    const logDir = mustBePresent(logDirs[0], 'log.dirs');
    const embedded =
      treeConnector === undefined ? new EmbeddedTreeStep({ fileSystem, clock, logger, logDir }) : undefined;
    this.#embeddedTree = embedded;
    const connector = mustBePresent(treeConnector ?? embedded?.tree, 'tree');
    const session: LifecycleStep = {
      name: 'tree session',
      start: async () => {
        const stored = readStoredIdentity(fileSystem, logDirs, logger.child('kafka.server.KafkaServer'));
        const zooKeeperClient = new ZooKeeperClient({
          connector,
          clock,
          logger: logger.child('kafka.zookeeper.ZooKeeperClient'),
        });
        const zkLogger = logger.child('kafka.zk.KafkaZkClient');
        const zkClient = new KafkaZkClient({ client: zooKeeperClient, clock, logger: zkLogger });
        this.#foundation = { stored, zooKeeperClient, zkClient };
        await zooKeeperClient.start();
        await zkClient.createTopLevelPaths();
      },
      close: () => this.#foundation?.zooKeeperClient.close(),
    };
    return embedded === undefined ? [session] : [embedded, session];
  }

  async #createParts(): Promise<void> {
    const { stored, zkClient } = this.#founded;
    const clusterId = await agreeOnClusterId(stored, zkClient, randomUuid(this.#ports.random));
    const brokerId = await agreeOnBrokerId(this.#config, stored, zkClient);
    this.#parts = await createBrokerParts({
      ports: this.#ports,
      config: this.#config,
      brokerId,
      clusterId,
      zkClient,
      onLogDirFailed: () => this.#onLogDirFailed(),
    });
  }

  #onLogDirFailed(): void {
    if (this.#started.logManager.liveLogDirs.length > 0) {
      void this.#tellControllerOfLogDir();
      return;
    }
    this.#onFatal(
      new AllLogDirsFailedError(`Shutdown broker because all log dirs in ${this.#config.logDirs} have failed`),
    );
  }

  /** The controller then asks for all replicas of this broker, and elects others where they are lost. */
  async #tellControllerOfLogDir(): Promise<void> {
    try {
      await this.#founded.zkClient.propagateLogDirEvent(this.brokerId);
    } catch (error) {
      this.#ports.logger.error('cannot tell the controller of a log dir that failed', { error });
    }
  }

  async #bind(): Promise<void> {
    const ports = await this.#started.socketServer.start(this.#config.listeners);
    this.#endPoints = advertisedEndPoints(this.#config, ports, this.#ports.hostName);
  }

  async #treatUnknownDirectories(): Promise<void> {
    const options = {
      zkClient: this.services.zkClient,
      fileSystem: this.#ports.fileSystem,
      logger: this.#ports.logger.child('kafka.log.LogManager'),
      config: this.#config,
      brokerId: this.brokerId,
      directories: this.#started.logManager.partitionDirectories(),
    };
    if (!this.#adoptLogDirs) return warnOfUnknownTopics(options);
    await adoptLogDirs(options);
    // Known topics may have been with another broker, too.
    await raiseStaleLeaderEpochs(options);
    const topics = findUnknownTopics(options.directories, new Set()).filter(({ problem }) => problem === undefined);
    const { logManager } = this.#started;
    await skipAdoptedProducerIds(topics, { ...options, logManager, repository: this.services.configRepository });
  }

  async #startCoordinators(): Promise<void> {
    const { zkClient, groupCoordinator, transactionCoordinator } = this.services;
    const existing = await zkClient.getTopicPartitionCount(OFFSETS_TOPIC);
    groupCoordinator.start(existing ?? this.#config.number('offsets.topic.num.partitions'));
    transactionCoordinator.start();
  }

  async #closeCoordinators(): Promise<void> {
    if (this.#parts === undefined) return;
    const { replicaManager, groupCoordinator, transactionCoordinator } = this.services;
    // Nobody tells them of elections any more.
    replicaManager.endStateChanges();
    await Promise.all([groupCoordinator.close(), transactionCoordinator.close()]);
  }

  async #register(): Promise<void> {
    const { brokerId, clusterId, zkClient } = this.services;
    const brokerInfo = brokerInfoOf(this.services, this.#endPoints);
    const brokerEpoch = await zkClient.registerBroker(brokerInfo);
    this.#started.attachController(brokerInfo, brokerEpoch);
    this.#started.logManager.writeMetaProperties({ brokerId, clusterId });
  }

  /** The controller, maybe this broker itself, tells every new broker about the cluster, and then what to lead and to follow: clients are
   *  to find the logs open. */
  async #awaitMetadata(): Promise<void> {
    const { metadataCache, replicaManager, brokerId, clock, logger } = this.services;
    const isKnown = () => metadataCache.hasAliveBroker(brokerId);
    if (await metadataCache.waitUntil(isKnown, { clock, timeoutMs: FIRST_METADATA_MS })) {
      return replicaManager.stateChangesDone();
    }
    logger.warn('no controller has told about this broker yet; clients will have to wait', { brokerId });
  }

  /** Starts no new requests and answers those in flight, the ones that wait for something with what there is. */
  async #finishRequests(): Promise<void> {
    const { socketServer, replicaManager } = this.#started;
    const finished = socketServer.close(CLOSE_GRACE_MS);
    replicaManager.delayed.close();
    await this.services.groupCoordinator.close();
    await finished;
  }
}
