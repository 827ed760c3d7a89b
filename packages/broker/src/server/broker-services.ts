// The parts of a running broker that handlers may call. Whoever brings a part puts its type here.

import type { Clock, Logger, MetricsRegistry, Random } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import type { ZkAdminManager } from '../admin/zk-admin-manager.ts';
import type { ClientMetricsManager } from '../client-metrics/client-metrics-manager.ts';
import type { ConfigRepository, ConfigServices, KafkaConfig } from '../config/index.ts';
import type { KafkaController } from '../controller/kafka-controller.ts';
import type { GroupCoordinator } from '../group/group-coordinator.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { FetchManager } from '../replica/fetch-manager.ts';
import type { ReplicaManager } from '../replica/replica-manager.ts';
import type { ProducerIdManager } from '../transaction/producer-id-manager.ts';
import type { TransactionCoordinator } from '../transaction/transaction-coordinator.ts';
import type { ApiVersionsManager } from './api-versions-manager.ts';
import type { ClientInformationRegistry } from './client-information.ts';

/** Creates topics that somebody asked for before they exist (Kafka's AutoTopicCreationManager). */
export interface AutoTopicCreation {
  /** Begins to create those of `topics` that are not being created already. Internal topics get the settings Kafka gives them. Never
   *  throws; failures are logged, and the next request tries again. */
  createTopics(topics: ReadonlySet<string>): void;
}

export interface BrokerServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** This broker's `broker.id`. */
  readonly brokerId: number;
  readonly clusterId: string;
  readonly apiVersionsManager: ApiVersionsManager;
  /** server.properties, typed. */
  readonly config: KafkaConfig;
  /** Topic and broker settings out of the tree over the static ones. */
  readonly configRepository: ConfigRepository;
  /** Settings: describe, change, follow; client quotas and SCRAM credentials as stored. */
  readonly configs: ConfigServices;
  readonly zkClient: KafkaZkClient;
  readonly metadataCache: MetadataCache;
  readonly replicaManager: ReplicaManager;
  readonly fetchSessions: FetchManager;
  readonly groupCoordinator: GroupCoordinator;
  readonly transactionCoordinator: TransactionCoordinator;
  readonly producerIdManager: ProducerIdManager;
  readonly controller: KafkaController;
  readonly autoTopicCreation: AutoTopicCreation;
  /** Topics through the tree. */
  readonly adminManager: ZkAdminManager;
  /** Names and versions that clients gave themselves. */
  readonly clientInformation: ClientInformationRegistry;
  readonly clientMetricsManager: ClientMetricsManager;
}
