// Names of partitions. Source: org.apache.kafka.common.TopicPartition.

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** `orders-3`: Kafka's text form, also the directory's name, and a Map key (the last dash splits it, so no two partitions share one). */
export function topicPartitionKey(tp: TopicPartition): string {
  return `${tp.topic}-${tp.partition}`;
}
