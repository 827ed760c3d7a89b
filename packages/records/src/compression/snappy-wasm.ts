// Snappy's block format as WebAssembly, from behind the size that a block begins with. Source: Snappy's format_description.txt; the format is
// drawn in snappy-block.ts.

import {
  advance,
  BYTE,
  blockDecoder,
  FROM,
  LENGTH,
  left,
  literals,
  match,
  OFFSET,
  refuse,
  TO,
  TOKEN,
} from './block-decoder.ts';
import {
  add,
  and,
  answer,
  atLeast,
  byteAt,
  type Code,
  constant,
  equal,
  isZero,
  less,
  local,
  or,
  repeatWhile,
  set,
  shiftLeft,
  shiftRight,
  shortAt,
  subtract,
  when,
  wordAt,
} from './wasm.ts';

/** A literal's length − 1 beyond this stands in up to four bytes of its own. */
const LENGTH_IN_TAG_MAX = 59;

/** LENGTH (59 + how many) becomes what so many bytes say. OFFSET counts bits. */
const lengthBehindTag: Code = [
  ...set(TOKEN, subtract(local(LENGTH), constant(LENGTH_IN_TAG_MAX))),
  ...refuse(less(left, local(TOKEN))),
  ...set(LENGTH, constant(0)),
  ...set(OFFSET, constant(0)),
  ...repeatWhile(
    [
      ...set(LENGTH, or(local(LENGTH), shiftLeft(byteAt(local(FROM)), local(OFFSET)))),
      ...advance(FROM, constant(1)),
      ...advance(OFFSET, constant(8)),
      ...advance(TOKEN, constant(-1)),
    ],
    local(TOKEN),
  ),
  // One more would be none.
  ...refuse(equal(local(LENGTH), constant(-1))),
];

const literal: Code = [
  ...set(LENGTH, shiftRight(local(TOKEN), constant(2))),
  ...when(atLeast(local(LENGTH), constant(LENGTH_IN_TAG_MAX + 1)), lengthBehindTag),
  ...advance(LENGTH, constant(1)),
  ...literals,
];

/** With `bytes` behind the tag, which say OFFSET. */
function offsetOf(bytes: number, offset: Code): Code {
  return [...refuse(less(left, constant(bytes))), ...set(OFFSET, offset), ...advance(FROM, constant(bytes))];
}

const shortCopy: Code = [
  ...set(LENGTH, add(and(shiftRight(local(TOKEN), constant(2)), constant(7)), constant(4))),
  ...offsetOf(1, or(shiftLeft(shiftRight(local(TOKEN), constant(5)), constant(8)), byteAt(local(FROM)))),
];

const longCopy: Code = [
  ...set(LENGTH, add(shiftRight(local(TOKEN), constant(2)), constant(1))),
  ...when(equal(local(BYTE), constant(2)), offsetOf(2, shortAt(local(FROM))), offsetOf(4, wordAt(local(FROM)))),
];

const element: Code = [
  ...when(isZero(left), answer(local(TO))),
  ...set(TOKEN, byteAt(local(FROM))),
  ...advance(FROM, constant(1)),
  ...set(BYTE, and(local(TOKEN), constant(3))),
  ...when(isZero(local(BYTE)), literal, [...when(equal(local(BYTE), constant(1)), shortCopy, longCopy), ...match]),
];

/** Of the elements of a block. */
export const decodeSnappyElementsByWasm = blockDecoder(element);
