// Random uuids in the text form of java.util.UUID, which Kafka puts into member ids.

import type { Random } from '@ottla/base';

/** A version 4 uuid: 8-4-4-4-12 hexadecimal digits. */
export function javaUuid(random: Random): string {
  const bytes = random.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
