// Many partitions of several segments each.

import { connected, createTopic, produceToEach, type Topic, untilAllLead } from './wire-topics.ts';

const PARTITIONS_PER_TOPIC = 100;
const RECORD = { count: 1, valueBytes: 1000 };
const BATCHES_PER_SEGMENT = 3;
/** Three batches fit, a fourth does not. */
const SEGMENT_BYTES = 4096;

export interface ManyPartitions {
  readonly partitions: number;
  readonly segments: number;
}

/** Creates the topics and fills every partition. */
export function makePartitions(port: number, wanted: ManyPartitions): Promise<void> {
  return connected(port, async (client) => {
    for (const topic of topicsOf(wanted)) {
      await createTopic(client, topic, SEGMENT_BYTES);
      for (let i = 0; i < endOffsetOf(wanted); i++) await produceToEach(client, topic, RECORD);
    }
  });
}

/** Resolves when every partition has a leader and answers with its end. */
export function untilAllAnswer(port: number, wanted: ManyPartitions): Promise<void> {
  return connected(port, (client) => untilAllLead(client, topicsOf(wanted), endOffsetOf(wanted)));
}

function topicsOf({ partitions }: ManyPartitions): Topic[] {
  const topics: Topic[] = [];
  for (let left = partitions; left > 0; left -= PARTITIONS_PER_TOPIC) {
    topics.push({ name: `bench-${topics.length}`, partitionCount: Math.min(left, PARTITIONS_PER_TOPIC) });
  }
  return topics;
}

function endOffsetOf({ segments }: ManyPartitions): number {
  return segments * BATCHES_PER_SEGMENT;
}
