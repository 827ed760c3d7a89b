// lz4's block format as WebAssembly. Source: lz4_Block_format.md; the format is drawn in lz4-block.ts.

import {
  advance,
  BYTE,
  blockDecoder,
  END,
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
  and,
  answer,
  byteAt,
  type Code,
  constant,
  equal,
  isZero,
  less,
  local,
  repeatWhile,
  set,
  shiftRight,
  shortAt,
  when,
} from './wasm.ts';

/** The rest of a length that does not fit its four bits: bytes that are added up until one is not 255. */
const maybeMoreOfLength: Code = when(
  equal(local(LENGTH), constant(15)),
  repeatWhile(
    [
      ...refuse(isZero(left)),
      ...set(BYTE, byteAt(local(FROM))),
      ...advance(FROM, constant(1)),
      ...advance(LENGTH, local(BYTE)),
    ],
    equal(local(BYTE), constant(255)),
  ),
);

const sequence: Code = [
  ...refuse(isZero(left)),
  ...set(TOKEN, byteAt(local(FROM))),
  ...advance(FROM, constant(1)),
  ...set(LENGTH, shiftRight(local(TOKEN), constant(4))),
  ...maybeMoreOfLength,
  ...literals,
  ...when(equal(local(FROM), local(END)), answer(local(TO))),
  ...refuse(less(left, constant(2))),
  ...set(OFFSET, shortAt(local(FROM))),
  ...advance(FROM, constant(2)),
  ...set(LENGTH, and(local(TOKEN), constant(15))),
  ...maybeMoreOfLength,
  ...advance(LENGTH, constant(4)),
  ...match,
];

/** Of a block of 4 MiB at most that stands for itself: no length in it is beyond 2^31. */
export const decodeLz4BlockByWasm = blockDecoder(sequence);
