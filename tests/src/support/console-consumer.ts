// Kafka's own console consumer.

import { type KafkaVersion, kafkaTool } from './reference-kafka.ts';

const CLASSES: Readonly<Record<KafkaVersion, string>> = {
  '2.8.2': 'kafka.tools.ConsoleConsumer',
  '3.9.1': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
};
const TIMEOUT_MS = 20_000;

/** The lines that it prints for `count` records, or for fewer where no more come for twenty seconds. */
export async function consumeWithKafka(
  version: KafkaVersion,
  port: number,
  options: { readonly count: number; readonly flags: readonly string[] },
): Promise<string[]> {
  const from = ['--bootstrap-server', `127.0.0.1:${port}`];
  const limits = ['--max-messages', String(options.count), '--timeout-ms', String(TIMEOUT_MS)];
  const output = await kafkaTool(version, CLASSES[version], ...from, ...options.flags, ...limits);
  return output.trimEnd().split('\n');
}
