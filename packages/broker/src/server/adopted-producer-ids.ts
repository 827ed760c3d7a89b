// Keeps producer ids unique when log directories are adopted. Their tree stayed behind, and with it the count of the ids that were handed out;
// a new producer with the id of an old one would be taken for it, and its first batches for repetitions: acked, and not written.
//
// So the adopted logs are asked which ids they know: those with a state that could be mistaken, and those of transactional ids.

import { KafkaError, type Logger, readFully, yieldToEventLoop } from '@ottla/base';
import type { KafkaZkClient } from '@ottla/coordination';
import { batchesIn } from '@ottla/records';
import type { Log, LogManager } from '@ottla/storage';
import { TRANSACTION_STATE_TOPIC } from '../admin/topic-names.ts';
import type { ConfigRepository } from '../config/index.ts';
import { readTransactionLogRecord } from '../transaction/transaction-log.ts';
import { ZkProducerIdBlocks } from '../transaction/zk-producer-id-blocks.ts';
import type { UnknownTopic } from './adopt-log-dirs.ts';

const READ_BYTES = 1024 * 1024;

export interface SkipAdoptedProducerIdsOptions {
  readonly logManager: Pick<LogManager, 'getOrCreateLog'>;
  readonly repository: Pick<ConfigRepository, 'logConfig'>;
  readonly zkClient: KafkaZkClient;
  readonly brokerId: number;
  readonly logger: Logger;
}

/** Opens the logs of `adopted`, or of known topics that come back from another broker, and makes sure that no id in them is handed out again. */
export async function skipAdoptedProducerIds(
  adopted: readonly UnknownTopic[],
  options: SkipAdoptedProducerIdsOptions,
): Promise<void> {
  let highest = -1;
  for (const topic of adopted) highest = Math.max(highest, await highestProducerIdOf(topic, options));
  if (highest < 0) return;
  await new ZkProducerIdBlocks(options.zkClient, options.brokerId).skipThrough(highest);
  options.logger.info('producer ids go on after those in the adopted logs', { highest });
}

async function highestProducerIdOf(
  { topic, topicId, directories }: UnknownTopic,
  { logManager, repository, logger }: SkipAdoptedProducerIdsOptions,
): Promise<number> {
  const config = await repository.logConfig(topic);
  let highest = -1;
  for (const { tp } of directories) {
    try {
      const log = logManager.getOrCreateLog(tp, { topicId, isNew: false, config });
      for (const producerId of log.producerStateManager.activeProducers.keys()) highest = Math.max(highest, producerId);
      if (topic === TRANSACTION_STATE_TOPIC) highest = Math.max(highest, await highestInTransactionLog(log));
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      logger.error('cannot learn the producer ids of an adopted log', { ...tp, problem: error.message });
    }
    await yieldToEventLoop();
  }
  return highest;
}

/** @throws KafkaError CORRUPT_MESSAGE */
async function highestInTransactionLog(log: Log): Promise<number> {
  let highest = -1;
  let startOffset = log.logStartOffset;
  while (startOffset < log.logEndOffset) {
    const { records } = log.read({ startOffset, maxBytes: READ_BYTES, isolation: 'logEnd', minOneMessage: true });
    const before = startOffset;
    for (const batch of batchesIn(readFully(records))) {
      for (const record of batch.isControlBatch ? [] : batch.records()) {
        highest = Math.max(highest, readTransactionLogRecord(record)?.metadata?.producerId ?? -1);
      }
      startOffset = batch.nextOffset;
    }
    if (startOffset === before) break;
    await yieldToEventLoop();
  }
  return highest;
}
