// Reads the topics out of consumers' subscriptions, to know which offsets are in use. The rest of the metadata stays opaque.
// Source: Kafka 3.9 ConsumerProtocol, GroupMetadata.computeSubscribedTopics.
//
//   version int16 | topic count int32 | { length int16 | utf-8 bytes } per topic | user data, owned partitions ... (not read)

export const CONSUMER_PROTOCOL_TYPE = 'consumer';

/** The topics of all subscriptions together. @returns undefined when any of them cannot be read */
export function subscribedTopicsOf(subscriptions: readonly Buffer[]): ReadonlySet<string> | undefined {
  const topics = new Set<string>();
  for (const subscription of subscriptions) {
    if (!collectTopics(subscription, topics)) return undefined;
  }
  return topics;
}

function collectTopics(bytes: Buffer, into: Set<string>): boolean {
  if (bytes.length < 6 || bytes.readInt16BE(0) < 0) return false;
  const count = bytes.readInt32BE(2);
  if (count < 0) return false;
  let position = 6;
  for (let index = 0; index < count; index++) {
    if (position + 2 > bytes.length) return false;
    const length = bytes.readInt16BE(position);
    position += 2;
    if (length < 0 || position + length > bytes.length) return false;
    into.add(bytes.toString('utf8', position, position + length));
    position += length;
  }
  return true;
}
