// The number that tells whether client and broker speak of the same subscription: CRC32C of the metrics and the interval, mixed with the
// client's id. A client may push to another broker than it asked, so every broker must compute the same number, Kafka's too; and Kafka's is
// made from the text of a java.util.HashSet, in that set's order.
// Source: ClientMetricsManager.computeSubscriptionId, java.util.HashMap, org.apache.kafka.common.Uuid.hashCode.

import { type Uuid, uuidToBytes } from '@ottla/base';
import { crc32c } from '@ottla/records';

const TABLE_SIZE_MIN = 16;

/** @param metrics in the order of `inHashSetOrder` @returns int32 */
export function computeSubscriptionId(metrics: readonly string[], pushIntervalMs: number, instanceId: Uuid): number {
  const text = Buffer.from(`[${metrics.join(', ')}]${pushIntervalMs}`);
  return (crc32c(text) | 0) ^ hashOfUuid(instanceId);
}

/** The order in which a HashSet that grew element by element gives them back. */
export function inHashSetOrder(elements: Iterable<string>): string[] {
  const distinct = [...new Set(elements)];
  let tableSize = TABLE_SIZE_MIN;
  while (distinct.length > tableSize * 0.75) tableSize *= 2;
  const slots = new Map(distinct.map((element) => [element, slotOf(element, tableSize)]));
  // Sorting is stable: those of one slot stay in the order in which they came.
  return distinct.sort((a, b) => (slots.get(a) ?? 0) - (slots.get(b) ?? 0));
}

function slotOf(text: string, tableSize: number): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return (hash ^ (hash >>> 16)) & (tableSize - 1);
}

function hashOfUuid(uuid: Uuid): number {
  const bytes = uuidToBytes(uuid);
  return bytes.readInt32BE(0) ^ bytes.readInt32BE(4) ^ bytes.readInt32BE(8) ^ bytes.readInt32BE(12);
}
