// Reads short texts, of which a broker sees the same again and again: names of topics and clients. One that was read a moment ago is found
// by its bytes, without a new string and without the call out of JavaScript that makes one; and a Map has its hash already.

/** Longer ones are made anew. */
const BYTES_MAX = 64;
/** A power of two. What two texts share the later one takes. */
const SLOT_COUNT = 256;

const texts = new Array<string>(SLOT_COUNT).fill('');

/** The UTF-8 in bytes [start, end) of `buffer`; what is invalid is replaced, as Java does. */
export function readText(buffer: Buffer, start: number, end: number): string {
  if (start === end) return '';
  if (end - start > BYTES_MAX) return buffer.toString('utf8', start, end);
  let hash = 0;
  let union = 0;
  for (let position = start; position < end; position++) {
    const byte = buffer[position] as number;
    hash = (Math.imul(hash, 31) + byte) | 0;
    union |= byte;
  }
  // Only where a byte is a character can bytes be compared with characters.
  if (union > 0x7f) return buffer.toString('utf8', start, end);
  const slot = (hash ^ (hash >>> 8)) & (SLOT_COUNT - 1);
  const known = texts[slot] as string;
  if (isText(known, buffer, start, end)) return known;
  const text = buffer.toString('latin1', start, end);
  texts[slot] = text;
  return text;
}

function isText(text: string, buffer: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== buffer[start + index]) return false;
  }
  return true;
}
