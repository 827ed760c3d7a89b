// Who this broker is: its id and its cluster, agreed between server.properties, the log dirs' meta.properties and the tree. A broker that
// is pointed at somebody else's log dirs, or at another cluster's tree, must not start.
// Source: kafka.server.KafkaServer (getOrGenerateBrokerId, cluster id check), kafka.server.BrokerMetadataCheckpoint.

import { type FileSystem, type Logger, StorageError } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import { agreeOnMetaProperties, type MetaProperties, MetaPropertiesFile } from '@ottla/storage';
import type { KafkaConfig } from '../config/index.ts';

/** What is configured contradicts what was stored. */
export class InconsistentBrokerIdError extends Error {
  override readonly name = 'InconsistentBrokerIdError';
}

export class InconsistentClusterIdError extends Error {
  override readonly name = 'InconsistentClusterIdError';
}

/** What the log dirs say, read once at the start. */
export interface StoredIdentity {
  readonly brokerId: number | undefined;
  readonly clusterId: string | undefined;
}

/** Reads meta.properties in every log dir; makes dirs that are absent. A dir that cannot be read is left to the log manager, which takes it
 *  offline. @throws InconsistentMetaPropertiesError, CheckpointFormatError */
export function readStoredIdentity(fileSystem: FileSystem, logDirs: readonly string[], logger: Logger): StoredIdentity {
  const found = new Map<string, MetaProperties>();
  for (const logDir of logDirs) {
    try {
      fileSystem.makeDirectorySync(logDir);
      const properties = new MetaPropertiesFile(fileSystem, logDir).read();
      if (properties !== undefined) found.set(logDir, properties);
    } catch (error) {
      if (!(error instanceof StorageError)) throw error;
      logger.error('cannot read meta.properties', { logDir, cause: error });
    }
  }
  const agreed = agreeOnMetaProperties(found);
  return { brokerId: agreed?.brokerId, clusterId: agreed?.clusterId };
}

/** The cluster's id in the tree, made when the cluster is new. @throws InconsistentClusterIdError */
export async function agreeOnClusterId(
  stored: StoredIdentity,
  zkClient: KafkaZkClient,
  proposedClusterId: string,
): Promise<string> {
  const clusterId = await zkClient.createOrGetClusterId(stored.clusterId ?? proposedClusterId);
  if (stored.clusterId !== undefined && stored.clusterId !== clusterId) {
    throw new InconsistentClusterIdError(
      `The Cluster ID ${clusterId} doesn't match stored clusterId ${stored.clusterId} in meta.properties. ` +
        'The broker is trying to join the wrong cluster. Configured zookeeper.connect may be wrong.',
    );
  }
  return clusterId;
}

/** The configured id, the stored one, or a new one above reserved.broker.max.id. @throws InconsistentBrokerIdError */
export async function agreeOnBrokerId(
  config: KafkaConfig,
  stored: StoredIdentity,
  zkClient: KafkaZkClient,
): Promise<number> {
  const configured = config.brokerId;
  if (configured >= 0 && stored.brokerId !== undefined && stored.brokerId !== configured) {
    throw new InconsistentBrokerIdError(
      `Configured broker.id ${configured} doesn't match stored broker.id ${stored.brokerId} in meta.properties. ` +
        'If you moved your data, make sure your configured broker.id matches. ' +
        'If you intend to create a new broker, you should remove all data in your data directories (log.dirs).',
    );
  }
  if (stored.brokerId !== undefined) return stored.brokerId;
  if (configured >= 0 || !config.brokerIdGenerationEnable) return configured;
  return config.number('reserved.broker.max.id') + (await zkClient.generateBrokerSequenceId());
}
