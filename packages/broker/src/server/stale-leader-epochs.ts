// Brings leader epochs of the tree up to those in the logs, where log.dirs come back from a broker of Apache Kafka that led their partitions
// meanwhile. The tree stayed as it was, and a leader with an epoch that is over would be refused by its own log: a transaction's marker bears
// the coordinator's epoch, and a producer that has seen a later one takes no marker from an earlier (Kafka: TRANSACTION_COORDINATOR_FENCED).
//
//   tree: orders-0 at 1   leader-epoch-checkpoint: 0 0, 1 721, 5 961   →   tree: orders-0 at 6

import { type FileSystem, type Logger, TopicPartitionMap } from '@ottla/base';
import { ANY_VERSION, type KafkaZkClient, type LeaderIsrAndControllerEpoch } from '@ottla/coordination';
import { LeaderEpochFileCache, type PartitionDirectory } from '@ottla/storage';

export interface RaiseLeaderEpochsOptions {
  readonly zkClient: KafkaZkClient;
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
  /** LogManager.partitionDirectories. */
  readonly directories: readonly PartitionDirectory[];
}

/** Runs before the controller starts: nobody else changes states. Says which it raised. @throws TreeError */
export async function raiseStaleLeaderEpochs(options: RaiseLeaderEpochsOptions): Promise<void> {
  const { zkClient, logger } = options;
  const current = options.directories.filter(({ state }) => state === 'current');
  const known = await zkClient.getTopicPartitionStates(current.map(({ tp }) => tp));
  const raised = new TopicPartitionMap<LeaderIsrAndControllerEpoch>();
  for (const { tp, directory } of current) {
    const state = known.get(tp);
    if (state === undefined) continue;
    const latestEpoch = latestEpochIn(directory, options);
    if (latestEpoch <= state.leaderAndIsr.leaderEpoch) continue;
    raised.set(tp, { ...state, leaderAndIsr: { ...state.leaderAndIsr, leaderEpoch: latestEpoch + 1 } });
    logger.info('somebody else led a partition: its leader epoch goes on after those in its log', {
      ...tp,
      inTree: state.leaderAndIsr.leaderEpoch,
      inLog: latestEpoch,
    });
  }
  for (const { error } of await zkClient.setTopicPartitionStatesRaw(raised, ANY_VERSION)) if (error) throw error;
}

function latestEpochIn(directory: string, { fileSystem, logger }: RaiseLeaderEpochsOptions): number {
  return new LeaderEpochFileCache(fileSystem, directory, { logger, mayRebuild: true }).latestEpoch ?? -1;
}
