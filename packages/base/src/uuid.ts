// Kafka's Uuid: 16 bytes, written in text as 22 characters of unpadded URL-safe base64. In code a uuid is that text, so that it
// can be compared and used as a Map key. Source: org.apache.kafka.common.Uuid.

import type { Random } from './random.ts';

/** The text of a uuid: 22 characters. */
export type Uuid = string;

export const UUID_SIZE = 16;
export const ZERO_UUID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA';
/** Reserved by Kafka for the metadata topic. */
export const ONE_UUID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAQ';

/** The uuid whose 16 bytes stand at `position` of `bytes`. */
export function uuidFromBytes(bytes: Buffer, position = 0): Uuid {
  return bytes.toString('base64url', position, position + UUID_SIZE);
}

/** The 16 bytes of `uuid`. @throws RangeError when the text is not a uuid */
export function uuidToBytes(uuid: Uuid): Buffer {
  const bytes = Buffer.from(uuid, 'base64url');
  if (uuid.length !== 22 || bytes.length !== UUID_SIZE) throw new RangeError(`not a uuid: ${JSON.stringify(uuid)}`);
  return bytes;
}

/** A version 4 uuid. Like Kafka, never a reserved one and never one that starts with a dash (awkward on command lines). */
export function randomUuid(random: Random): Uuid {
  for (;;) {
    const bytes = random.bytes(UUID_SIZE);
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const uuid = uuidFromBytes(bytes);
    if (!uuid.startsWith('-')) return uuid;
  }
}
