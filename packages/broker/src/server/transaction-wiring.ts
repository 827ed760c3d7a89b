// Puts the transaction coordinator together with what it reaches: the logs of its topic, the leaders of partitions, the tree's producer
// ids. And the way back: how a leader asks a coordinator about a transaction (KIP-890).

import { type Clock, type ErrorCode, Errors, type Logger, type TopicPartition } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import { addPartitionsToTxn, type WriteTxnMarkersResponse, writeTxnMarkers } from '@ottla/protocol';
import type { KafkaConfig } from '../config/index.ts';
import type { MetadataCache } from '../metadata/metadata-cache.ts';
import type { PartitionAppender, PartitionLoader } from '../partition-ports.ts';
import { ProducerIdManager } from '../transaction/producer-id-manager.ts';
import { transactionConfig } from '../transaction/transaction-config.ts';
import { TransactionCoordinator } from '../transaction/transaction-coordinator.ts';
import { type TransactionMarkerChannel, TransactionMarkerSender } from '../transaction/transaction-marker-sender.ts';
import { TRANSACTION_STATE_TOPIC, TransactionStateManager } from '../transaction/transaction-state-manager.ts';
import { ZkProducerIdBlocks } from '../transaction/zk-producer-id-blocks.ts';
import type { TransactionVerifier } from '../transaction-verifier.ts';
import type { InProcessChannel } from './in-process-channel.ts';

const WRITE_TXN_MARKERS_VERSION = 1;
const ADD_PARTITIONS_VERSION = 4;
/** From this version of Produce (0) and TxnOffsetCommit (28) on, clients know TRANSACTION_ABORTABLE. */
const FIRST_ABORTABLE_VERSION: ReadonlyMap<'produce' | 'txnOffsetCommit', number> = new Map([
  ['produce', 11],
  ['txnOffsetCommit', 4],
]);

/** The way to a broker, this one included. undefined: it is not known at the moment. */
export type ChannelTo = (brokerId: number) => InProcessChannel | undefined;

export interface TransactionParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: KafkaConfig;
  readonly brokerId: number;
  readonly zkClient: KafkaZkClient;
  readonly metadataCache: MetadataCache;
  readonly logs: PartitionAppender & PartitionLoader;
  readonly channelTo: ChannelTo;
}

export function createTransactionCoordinator(parts: TransactionParts): {
  transactionCoordinator: TransactionCoordinator;
  producerIdManager: ProducerIdManager;
} {
  const { clock, metadataCache, logs } = parts;
  const logger = parts.logger.child('kafka.coordinator.transaction.TransactionCoordinator');
  const config = transactionConfig(parts.config);
  const producerIdManager = new ProducerIdManager(new ZkProducerIdBlocks(parts.zkClient, parts.brokerId));
  const partitionCount = () =>
    metadataCache.numPartitions(TRANSACTION_STATE_TOPIC) ?? parts.config.number('transaction.state.log.num.partitions');
  const transactionCoordinator = new TransactionCoordinator({
    clock,
    config,
    logger,
    producerIds: producerIdManager,
    state: new TransactionStateManager({ clock, config, logger, partitionCount, appender: logs, loader: logs }),
    markers: new TransactionMarkerSender({ clock, logger, channel: markerChannel(metadataCache, parts.channelTo) }),
  });
  return { transactionCoordinator, producerIdManager };
}

function markerChannel(metadataCache: MetadataCache, channelTo: ChannelTo): TransactionMarkerChannel {
  return {
    leaderOf({ topic, partition }) {
      if (!metadataCache.containsTopic(topic)) return 'gone';
      const leader = metadataCache.getPartitionInfo(topic, partition)?.leader;
      return leader === undefined || leader < 0 ? undefined : leader;
    },
    async writeMarkers(brokerId, marker, partitions) {
      const channel = channelTo(brokerId);
      if (channel === undefined) return [];
      const request = {
        markers: [
          {
            producerId: marker.producerId,
            producerEpoch: marker.producerEpoch,
            coordinatorEpoch: marker.coordinatorEpoch,
            transactionResult: marker.result === 'commit',
            topics: partitions
              .byTopic()
              .map(({ topic, partitions: partitionIndexes }) => ({ name: topic, partitionIndexes })),
          },
        ],
      };
      return markerResults(await channel.send(writeTxnMarkers, request, WRITE_TXN_MARKERS_VERSION));
    },
  };
}

function markerResults(response: WriteTxnMarkersResponse): { tp: TopicPartition; errorCode: ErrorCode }[] {
  return response.markers.flatMap(({ topics }) =>
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => ({
        tp: { topic: name, partition: partitionIndex },
        errorCode,
      })),
    ),
  );
}

/** Asks the coordinator of a transactional id, wherever it is, whether a partition takes part in the open transaction.
 *  @param api whose request brought the records: it decides which error its clients understand */
export function createTransactionVerifier(
  parts: {
    readonly metadataCache: MetadataCache;
    readonly channelTo: ChannelTo;
    partitionFor(transactionalId: string): number;
  },
  api: 'produce' | 'txnOffsetCommit',
): TransactionVerifier {
  return {
    async verify(transactionalId, producer, tp, { apiVersion }) {
      const partition = parts.partitionFor(transactionalId);
      const leader = parts.metadataCache.getPartitionInfo(TRANSACTION_STATE_TOPIC, partition)?.leader ?? -1;
      const channel = parts.channelTo(leader);
      if (channel === undefined) return Errors.COORDINATOR_NOT_AVAILABLE;
      const topics = [{ name: tp.topic, partitions: [tp.partition] }];
      const request = { transactions: [{ transactionalId, ...producer, verifyOnly: true, topics }] };
      const answer = await channel.send(addPartitionsToTxn, request, ADD_PARTITIONS_VERSION);
      const result = answer.resultsByTransaction[0]?.topicResults[0]?.resultsByPartition[0];
      const code = answer.errorCode || (result?.partitionErrorCode ?? Errors.UNKNOWN_SERVER_ERROR);
      return forClient(code, apiVersion, FIRST_ABORTABLE_VERSION.get(api) ?? 0);
    },
  };
}

/** What a client of that version understands. Source: KIP-890, AddPartitionsToTxnManager. */
function forClient(code: ErrorCode, apiVersion: number, firstAbortableVersion: number): ErrorCode {
  if (code === Errors.PRODUCER_FENCED) return Errors.INVALID_PRODUCER_EPOCH;
  if (code === Errors.TRANSACTION_ABORTABLE && apiVersion < firstAbortableVersion) return Errors.INVALID_TXN_STATE;
  return code;
}
