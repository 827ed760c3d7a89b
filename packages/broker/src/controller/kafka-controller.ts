// The controller: one broker of the cluster is it, as long as /controller is its own. It notices what changes in the tree, decides, writes
// its decisions there and tells the brokers. Here: election, taking over, stepping down, and who may ask for what; the decisions are in the
// parts beside it. Source: kafka.controller.KafkaController (3.9).

import {
  type Clock,
  Errors,
  KafkaError,
  type Logger,
  type MetricsRegistry,
  type Random,
  type Timer,
  type TopicPartition,
  type TopicPartitionMap,
} from '@ottla/base';
import {
  BrokerIdsZNode,
  type BrokerInfo,
  ControllerMovedError,
  ControllerZNode,
  DeleteTopicsZNode,
  type FeatureInfo,
  IsrChangeNotificationZNode,
  isTreeError,
  type KafkaZkClient,
  LogDirEventNotificationZNode,
  type ReplicaAssignment,
  TopicsZNode,
  type ZNodeChangeHandler,
  type ZNodeChildChangeHandler,
} from '@ottla/coordination';
import type { AlterPartitionRequest, AlterPartitionResponse, Decoded } from '@ottla/protocol';
import { BrokerChanges } from './broker-changes.ts';
import { controlledShutdown } from './controlled-shutdown.ts';
import { ControllerBrokerRequestBatch, type ControllerResponses } from './controller-broker-request-batch.ts';
import { type ControllerChannel, ControllerChannelManager } from './controller-channel-manager.ts';
import { ControllerContext } from './controller-context.ts';
import { type ControllerEvent, ControllerEventQueue } from './controller-event-queue.ts';
import { ControllerGauges } from './controller-gauges.ts';
import { type ControllerParts, type ControllerSettings, whileActive } from './controller-parts.ts';
import { StateChangeAbandonedError } from './controller-states.ts';
import { IsrChanges } from './isr-changes.ts';
import { type ApiError, PartitionReassignments } from './partition-reassignments.ts';
import { PartitionStateMachine } from './partition-state-machine.ts';
import { isBeingReassigned } from './replica-assignment.ts';
import { type ElectionType, type LeaderElectionResults, ReplicaElections } from './replica-elections.ts';
import { ReplicaStateMachine } from './replica-state-machine.ts';
import { TopicChanges } from './topic-changes.ts';
import { TopicDeletionManager } from './topic-deletion-manager.ts';

/** `activeControllerId` when there is none. */
const NO_CONTROLLER = -1;
const STATE_CHANGE_HANDLER = 'controller-state-change-handler';
/** After taking over, before leaders are balanced for the first time. */
const FIRST_REBALANCE_DELAY_MS = 5000;

export interface KafkaControllerOptions {
  readonly settings: ControllerSettings;
  readonly zkClient: KafkaZkClient;
  /** To every broker, this one included. */
  readonly channel: ControllerChannel;
  /** This broker's registration; it is made anew with every session. */
  readonly brokerInfo: BrokerInfo;
  /** Epoch of the registration that stands now. */
  readonly brokerEpoch: bigint;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
}

export class KafkaController {
  readonly #options: KafkaControllerOptions;
  readonly #zkClient: KafkaZkClient;
  readonly #logger: Logger;
  readonly #context = new ControllerContext();
  readonly #queue: ControllerEventQueue;
  readonly #parts: ControllerParts;
  readonly #reassignments: PartitionReassignments;
  readonly #elections: ReplicaElections;
  readonly #brokerChanges: BrokerChanges;
  readonly #topicChanges: TopicChanges;
  readonly #isrChanges: IsrChanges;
  readonly #gauges: ControllerGauges;
  #brokerInfo: BrokerInfo;
  #brokerEpoch: bigint;
  /** As far as this broker has heard. */
  #activeControllerId = NO_CONTROLLER;
  #rebalanceTimer: Timer | undefined;
  #isStarted = false;

  constructor(options: KafkaControllerOptions) {
    this.#options = options;
    this.#zkClient = options.zkClient;
    this.#logger = options.logger;
    this.#brokerInfo = options.brokerInfo;
    this.#brokerEpoch = options.brokerEpoch;
    this.#queue = new ControllerEventQueue({ logger: options.logger, onError: (e, event) => this.#onError(e, event) });
    this.#parts = this.#makeParts();
    this.#reassignments = new PartitionReassignments(this.#parts);
    this.#elections = new ReplicaElections(this.#parts);
    this.#brokerChanges = new BrokerChanges(this.#parts, this.#reassignments);
    this.#topicChanges = new TopicChanges(this.#parts);
    this.#isrChanges = new IsrChanges(this.#parts, this.#reassignments);
    this.#gauges = new ControllerGauges(options.metrics, this);
  }

  /** Is this broker the controller? */
  get isActive(): boolean {
    return this.#activeControllerId === this.#options.settings.brokerId;
  }

  /** Broker id of the controller, −1 when none is known. */
  get activeControllerId(): number {
    return this.#activeControllerId;
  }

  /** 0 unless this broker is the controller. */
  get epoch(): number {
    return this.#context.epoch;
  }

  /** zxid of this broker's newest registration. */
  get brokerEpoch(): bigint {
    return this.#brokerEpoch;
  }

  /** What this controller knows; for metrics and tests. */
  get context(): ControllerContext {
    return this.#context;
  }

  /** Stands for election. Resolves when it is known whether this broker is the controller, and if so when it has taken over. */
  async start(): Promise<void> {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#zkClient.registerStateChangeHandler({
      name: STATE_CHANGE_HANDLER,
      beforeInitializingSession: () => this.#queue.clearAndPut({ name: 'Expire', process: () => this.#expire() }),
      afterInitializingSession: async () => {
        this.#enqueue({ name: 'RegisterBrokerAndReelect', process: () => this.#registerBrokerAndReelect() });
      },
    });
    await this.#queue.put({ name: 'Startup', process: () => this.#startup() });
  }

  /** Steps down without giving /controller back: it goes with the session. Safe to call twice. */
  async close(): Promise<void> {
    this.#zkClient.unregisterStateChangeHandler(STATE_CHANGE_HANDLER);
    await this.#queue.close();
    this.#zkClient.unregisterZNodeChangeHandler(ControllerZNode.path);
    this.#activeControllerId = NO_CONTROLLER;
    this.#onControllerResignation();
    this.#gauges.close();
  }

  // What brokers and clients ask for

  /** @returns partitions the broker still leads
   *  @throws KafkaError NOT_CONTROLLER, STALE_BROKER_EPOCH, BROKER_NOT_AVAILABLE */
  controlledShutdown(brokerId: number, brokerEpoch: bigint): Promise<TopicPartition[]> {
    return this.#ask('ControlledShutdown', () => controlledShutdown(this.#parts, brokerId, brokerEpoch));
  }

  /** @throws KafkaError NOT_CONTROLLER */
  electLeaders(partitions: Iterable<TopicPartition>, type: ElectionType): Promise<LeaderElectionResults> {
    return this.#ask('ReplicaLeaderElection', () => this.#elections.electForAdminClient(partitions, type));
  }

  /** Every partition that has a leader. @throws KafkaError NOT_CONTROLLER */
  allPartitions(): Promise<TopicPartition[]> {
    return this.#ask('ListPartitions', async () => this.#context.allPartitions());
  }

  /** @param wanted null cancels @throws KafkaError NOT_CONTROLLER */
  alterPartitionReassignments(
    wanted: TopicPartitionMap<readonly number[] | null>,
  ): Promise<TopicPartitionMap<ApiError>> {
    return this.#ask('ApiPartitionReassignment', () => this.#reassignments.processApiReassignment(wanted));
  }

  /** @param partitions undefined: all that are being moved @throws KafkaError NOT_CONTROLLER */
  listPartitionReassignments(partitions?: Iterable<TopicPartition>): Promise<TopicPartitionMap<ReplicaAssignment>> {
    return this.#ask('ListPartitionReassignments', async () => this.#reassignments.list(partitions));
  }

  /** @throws KafkaError NOT_CONTROLLER */
  async alterPartitions(request: Decoded<AlterPartitionRequest>, version: number): Promise<AlterPartitionResponse> {
    const { response, altered } = await this.#ask('AlterPartitionReceived', () =>
      this.#isrChanges.processAlterPartition(request, version),
    );
    this.#enqueue(
      whileActive(this.#parts, 'AlterPartitionFinished', () => this.#isrChanges.finishAlterPartition(altered)),
    );
    return response;
  }

  /** The default changed to true: partitions that wait for an in-sync replica need wait no more. */
  enableDefaultUncleanLeaderElection(): void {
    this.#enqueueTrigger('UncleanLeaderElectionEnable', undefined);
  }

  enableTopicUncleanLeaderElection(topic: string): void {
    this.#enqueueTrigger('TopicUncleanLeaderElectionEnable', topic);
  }

  #enqueueTrigger(name: string, topic: string | undefined): void {
    this.#enqueue(
      whileActive(this.#parts, name, async () => {
        await this.#parts.partitionStateMachine.triggerOnlinePartitionStateChange(topic);
      }),
    );
  }

  isTopicQueuedForDeletion(topic: string): boolean {
    return this.#parts.topicDeletionManager.isTopicQueuedUpForDeletion(topic);
  }

  /** This broker listens elsewhere now. */
  async updateBrokerInfo(brokerInfo: BrokerInfo): Promise<void> {
    this.#brokerInfo = brokerInfo;
    await this.#zkClient.updateBrokerInfo(brokerInfo);
  }

  /** Runs `answer` in its turn. */
  #ask<T>(name: string, answer: () => Promise<T>): Promise<T> {
    const notController = () =>
      new KafkaError(Errors.NOT_CONTROLLER, 'This is not the correct controller for this cluster.');
    return new Promise((resolve, reject) => {
      this.#enqueue({
        name,
        preempt: () => reject(notController()),
        process: async () => {
          if (!this.isActive) {
            reject(notController());
            return;
          }
          try {
            resolve(await answer());
          } catch (error) {
            reject(error instanceof ControllerMovedError ? notController() : error);
            // A refusal is the asker's business only; anything else is the controller's too.
            if (!(error instanceof KafkaError)) throw error;
          }
        },
      });
    });
  }

  // Election

  async #startup(): Promise<void> {
    await this.#zkClient.registerZNodeChangeHandlerAndCheckExistence(this.#controllerChangeHandler);
    await this.#elect();
  }

  readonly #controllerChangeHandler: ZNodeChangeHandler = {
    path: ControllerZNode.path,
    handleCreation: () => this.#enqueue({ name: 'ControllerChange', process: () => this.#maybeResign() }),
    handleDataChange: () => this.#enqueue({ name: 'ControllerChange', process: () => this.#maybeResign() }),
    handleDeletion: () => this.#enqueue({ name: 'Reelect', process: () => this.#reelect() }),
  };

  async #reelect(): Promise<void> {
    await this.#maybeResign();
    await this.#elect();
  }

  async #registerBrokerAndReelect(): Promise<void> {
    this.#brokerEpoch = await this.#zkClient.registerBroker(this.#brokerInfo);
    await this.#reelect();
  }

  async #expire(): Promise<void> {
    this.#activeControllerId = NO_CONTROLLER;
    this.#onControllerResignation();
  }

  async #maybeResign(): Promise<void> {
    const wasActive = this.isActive;
    await this.#zkClient.registerZNodeChangeHandlerAndCheckExistence(this.#controllerChangeHandler);
    this.#activeControllerId = (await this.#zkClient.getControllerId()) ?? NO_CONTROLLER;
    if (wasActive && !this.isActive) this.#onControllerResignation();
  }

  async #elect(): Promise<void> {
    const { brokerId } = this.#options.settings;
    this.#activeControllerId = (await this.#zkClient.getControllerId()) ?? NO_CONTROLLER;
    if (this.#activeControllerId !== NO_CONTROLLER) return;
    try {
      const { epoch, epochZkVersion } = await this.#zkClient.registerControllerAndIncrementControllerEpoch(brokerId);
      this.#context.epoch = epoch;
      this.#context.epochZkVersion = epochZkVersion;
      this.#activeControllerId = brokerId;
      this.#logger.info('elected as the controller', { brokerId, epoch });
      await this.#onControllerFailover();
    } catch (error) {
      if (error instanceof ControllerMovedError) await this.#maybeResign();
      else if (isTreeError(error, 'SESSIONEXPIRED', 'CONNECTIONLOSS')) throw error;
      else {
        this.#logger.error('could not become the controller; making room for another', { brokerId, error });
        await this.#triggerControllerMove();
      }
    }
  }

  /** Listens first, reads then: what changes in between is noticed. Brokers hear of each other before they get leaders and followers. */
  async #onControllerFailover(): Promise<void> {
    const { replicaStateMachine, partitionStateMachine, topicDeletionManager } = this.#parts;
    await this.#setUpFeatureVersioning();
    for (const handler of this.#childChangeHandlers) this.#zkClient.registerZNodeChildChangeHandler(handler);
    await this.#zkClient.registerZNodeChangeHandlerAndCheckExistence(this.#elections.zkHandler);
    await this.#zkClient.registerZNodeChangeHandlerAndCheckExistence(this.#reassignments.zkHandler);
    await this.#zkClient.deleteLogDirEventNotifications(this.#context.epochZkVersion);
    await this.#zkClient.deleteIsrChangeNotifications(this.#context.epochZkVersion);
    await this.#initializeControllerContext();
    await this.#initializeTopicDeletions();
    this.#parts.sendUpdateMetadataRequest(this.#context.liveOrShuttingDownBrokerIds(), []);
    await replicaStateMachine.startup();
    await partitionStateMachine.startup();
    await this.#reassignments.initialize();
    await topicDeletionManager.tryTopicDeletion();
    await this.#elections.resumePendingZkElections();
    if (this.#options.settings.autoLeaderRebalanceEnable) this.#scheduleRebalance(FIRST_REBALANCE_DELAY_MS);
    this.#logger.info('ready to serve as the controller', { epoch: this.#context.epoch });
  }

  /** No feature is finalized in this mode; the node says that versioning is on (KIP-584). */
  async #setUpFeatureVersioning(): Promise<void> {
    const existing = (await this.#zkClient.getFeature())?.feature;
    const features = existing?.isEnabled === true ? existing.features : new Map<string, number>();
    const wanted: FeatureInfo = { version: 2, isEnabled: true, features };
    if (existing === undefined) await this.#zkClient.createFeatureZNode(wanted);
    else if (existing.version !== 2 || !existing.isEnabled) await this.#zkClient.updateFeatureZNode(wanted);
  }

  async #initializeControllerContext(): Promise<void> {
    const context = this.#context;
    context.setLiveBrokers(await this.#zkClient.getAllBrokerAndEpochsInCluster());
    context.setAllTopics(await this.#zkClient.getAllTopicsInCluster(true));
    this.#topicChanges.registerPartitionModificationsHandlers(context.allTopics);
    const assignments = await this.#zkClient.getReplicaAssignmentAndTopicIdForTopics(context.allTopics);
    await this.#topicChanges.processTopicIds(assignments);
    for (const tp of this.#topicChanges.putAssignments(assignments)) {
      if (isBeingReassigned(context.partitionFullReplicaAssignment(tp))) context.partitionsBeingReassigned.add(tp);
    }
    const brokerIds = context.liveOrShuttingDownBrokerIds();
    await this.#brokerChanges.registerBrokerModificationsHandlers(brokerIds);
    await this.#isrChanges.updateLeaderAndIsrCache(context.allPartitions());
    for (const id of brokerIds) this.#parts.channelManager.addBroker(id);
  }

  async #initializeTopicDeletions(): Promise<void> {
    const context = this.#context;
    const topics = await this.#zkClient.getTopicDeletions();
    const isOffline = (topic: string) =>
      context.replicasForTopic(topic).some(({ tp, replica }) => !context.isReplicaOnline(replica, tp));
    const moving = context.topicsBeingReassigned();
    const ineligible = topics.filter((topic) => isOffline(topic) || moving.has(topic));
    await this.#parts.topicDeletionManager.init(topics, new Set(ineligible));
  }

  #scheduleRebalance(delayMs: number): void {
    this.#rebalanceTimer = this.#options.clock.schedule(delayMs, () => {
      this.#enqueue(whileActive(this.#parts, 'AutoPreferredReplicaLeaderElection', () => this.#rebalance()));
    });
  }

  async #rebalance(): Promise<void> {
    try {
      await this.#elections.checkAndTriggerAutoLeaderRebalance();
    } finally {
      this.#scheduleRebalance(this.#options.settings.leaderImbalanceCheckIntervalSeconds * 1000);
    }
  }

  #onControllerResignation(): void {
    this.#rebalanceTimer?.cancel();
    this.#rebalanceTimer = undefined;
    for (const { path } of this.#childChangeHandlers) this.#zkClient.unregisterZNodeChildChangeHandler(path);
    this.#zkClient.unregisterZNodeChangeHandler(this.#elections.zkHandler.path);
    this.#zkClient.unregisterZNodeChangeHandler(this.#reassignments.zkHandler.path);
    this.#brokerChanges.unregisterBrokerModificationsHandlers();
    this.#topicChanges.unregisterPartitionModificationsHandlers();
    this.#parts.channelManager.shutdown();
    this.#context.reset();
  }

  /** Gives the office back, so that a controller with a fresh view takes over; maybe this broker again. */
  async #triggerControllerMove(): Promise<void> {
    this.#activeControllerId = (await this.#zkClient.getControllerId()) ?? NO_CONTROLLER;
    if (!this.isActive) return;
    const { epochZkVersion } = this.#context;
    this.#activeControllerId = NO_CONTROLLER;
    this.#onControllerResignation();
    try {
      await this.#zkClient.deleteController(epochZkVersion);
    } catch (error) {
      if (!(error instanceof ControllerMovedError)) throw error;
    }
  }

  async #onError(error: unknown, event: ControllerEvent): Promise<void> {
    try {
      if (error instanceof ControllerMovedError) await this.#maybeResign();
      else if (error instanceof StateChangeAbandonedError) {
        this.#logger.error('a change of states broke off; the controller steps down', { event: event.name, error });
        await this.#triggerControllerMove();
      } else this.#logger.error('could not process a controller event', { event: event.name, error });
    } catch (cause) {
      // The session is gone: its expiry is the next event.
      this.#logger.error('could not step down', { event: event.name, error: cause });
    }
  }

  // Wiring

  #enqueue(event: ControllerEvent): void {
    void this.#queue.put(event);
  }

  get #childChangeHandlers(): ZNodeChildChangeHandler[] {
    const handler = (path: string, name: string, process: () => Promise<void>): ZNodeChildChangeHandler => ({
      path,
      handleChildChange: () => this.#enqueue(whileActive(this.#parts, name, process)),
    });
    return [
      handler(BrokerIdsZNode.path, 'BrokerChange', () => this.#brokerChanges.processBrokerChange()),
      handler(TopicsZNode.path, 'TopicChange', () => this.#topicChanges.processTopicChange()),
      handler(DeleteTopicsZNode.path, 'TopicDeletion', () => this.#topicChanges.processTopicDeletion()),
      handler(LogDirEventNotificationZNode.path, 'LogDirEventNotification', () =>
        this.#brokerChanges.processLogDirEventNotification(),
      ),
      handler(IsrChangeNotificationZNode.path, 'IsrChangeNotification', () =>
        this.#isrChanges.processIsrChangeNotification(),
      ),
    ];
  }

  #makeParts(): ControllerParts {
    const { settings, clock, random, logger, zkClient, channel } = this.#options;
    const context = this.#context;
    const channelManager = new ControllerChannelManager({ channel, clock, logger });
    const { interBrokerListenerName } = settings;
    const responses = this.#responses();
    const newBatch = () =>
      new ControllerBrokerRequestBatch({
        controllerId: settings.brokerId,
        interBrokerListenerName,
        context,
        channelManager,
        responses,
      });
    const stateMachine = {
      controllerId: settings.brokerId,
      context,
      zkClient,
      logger,
      newBatch,
      isUncleanElectionEnabledByDefault: () => settings.uncleanLeaderElectionEnable,
    };
    const partitionStateMachine = new PartitionStateMachine(stateMachine);
    const replicaStateMachine = new ReplicaStateMachine(stateMachine);
    const sendUpdateMetadataRequest = (brokerIds: readonly number[], partitions: Iterable<TopicPartition>) => {
      const batch = newBatch();
      batch.addUpdateMetadataRequestForBrokers(brokerIds, partitions);
      batch.sendRequestsToBrokers();
    };
    const topicDeletionManager = new TopicDeletionManager({
      context,
      zkClient,
      replicaStateMachine,
      partitionStateMachine,
      logger,
      isDeleteTopicEnabled: settings.deleteTopicEnable,
      client: {
        mutePartitionModifications: (topic) => this.#topicChanges.unregisterPartitionModificationsHandlers([topic]),
        sendMetadataUpdate: (partitions) =>
          sendUpdateMetadataRequest(context.liveOrShuttingDownBrokerIds(), partitions),
      },
    });
    const machines = { channelManager, partitionStateMachine, replicaStateMachine, topicDeletionManager };
    const calls = { newBatch, sendUpdateMetadataRequest, isActive: () => this.isActive };
    const enqueue = (event: ControllerEvent) => this.#enqueue(event);
    return { settings, context, zkClient, clock, random, logger, ...machines, ...calls, enqueue };
  }

  #responses(): ControllerResponses {
    return {
      onLeaderAndIsrResponse: (brokerId, response) =>
        this.#enqueue(
          whileActive(this.#parts, 'LeaderAndIsrResponseReceived', () =>
            this.#brokerChanges.processLeaderAndIsrResponse(brokerId, response),
          ),
        ),
      onUpdateMetadataResponse: (brokerId, { errorCode }) => {
        if (errorCode !== Errors.NONE) this.#logger.error('a broker refused UpdateMetadata', { brokerId, errorCode });
      },
      onTopicDeletionStopReplicaResponse: (replica, { errorCode }, errors) =>
        this.#enqueue(
          whileActive(this.#parts, 'TopicDeletionStopReplicaResponseReceived', () =>
            this.#processTopicDeletionResponse(replica, errorCode, errors),
          ),
        ),
    };
  }

  async #processTopicDeletionResponse(
    replica: number,
    requestError: number,
    errors: TopicPartitionMap<number>,
  ): Promise<void> {
    const { topicDeletionManager } = this.#parts;
    const isFailed = (errorCode: number) => requestError !== Errors.NONE || errorCode !== Errors.NONE;
    const all = [...errors].map(([tp, errorCode]) => ({ tp, replica, errorCode }));
    await topicDeletionManager.failReplicaDeletion(all.filter(({ errorCode }) => isFailed(errorCode)));
    const deleted = all.filter(({ errorCode }) => !isFailed(errorCode));
    if (deleted.length > 0) await topicDeletionManager.completeReplicaDeletion(deleted);
  }
}
