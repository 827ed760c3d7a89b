// Which partition of __consumer_offsets holds a group: the hash every broker must agree on.
// Source: Kafka GroupMetadataManager.partitionFor, Utils.abs, java.lang.String.hashCode.

export const OFFSETS_TOPIC = '__consumer_offsets';

/** Java's String.hashCode: 31-polynomial over UTF-16 code units, wrapped to a signed 32-bit integer. */
export function javaStringHashCode(text: string): number {
  let hash = 0;
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0;
  return hash;
}

/** The partition, in [0, partitionCount). Kafka's abs maps the one value that has no positive twin, -2^31, to 0. */
export function partitionForKey(key: string, partitionCount: number): number {
  const hash = javaStringHashCode(key);
  const positive = hash === -0x80000000 ? 0 : Math.abs(hash);
  return positive % partitionCount;
}
