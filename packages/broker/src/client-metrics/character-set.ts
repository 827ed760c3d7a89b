// Sets of characters as regular expressions write them: `[a-z_]`, `\d`, `.`. Source: java.util.regex.Pattern (ASCII classes).

/** Code points, both ends included. */
export type CharacterRange = readonly [number, number];

export interface CharacterSet {
  readonly ranges: readonly CharacterRange[];
  readonly isNegated: boolean;
  /** ASCII letters of either case are the same. */
  readonly ignoresCase: boolean;
}

const DIGIT: readonly CharacterRange[] = [[0x30, 0x39]];
const WORD: readonly CharacterRange[] = [...DIGIT, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const SPACE: readonly CharacterRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
];
const LINE_END: readonly CharacterRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x85, 0x85],
  [0x2028, 0x2029],
];
const LAST = 0x10ffff;

/** What `.` stands for. */
export const ANY_BUT_LINE_END: readonly CharacterRange[] = complement(LINE_END);

/** The class that a letter after a backslash names; undefined: none. */
export function classOf(letter: string): readonly CharacterRange[] | undefined {
  switch (letter) {
    case 'd':
      return DIGIT;
    case 'D':
      return complement(DIGIT);
    case 'w':
      return WORD;
    case 'W':
      return complement(WORD);
    case 's':
      return SPACE;
    case 'S':
      return complement(SPACE);
    default:
      return undefined;
  }
}

export function containsCharacter(set: CharacterSet, character: number): boolean {
  const isIn = isInRanges(set.ranges, character) || (set.ignoresCase && isInRanges(set.ranges, otherCase(character)));
  return isIn !== set.isNegated;
}

function isInRanges(ranges: readonly CharacterRange[], character: number): boolean {
  for (const [first, last] of ranges) if (first <= character && character <= last) return true;
  return false;
}

function otherCase(character: number): number {
  const isUpper = character >= 0x41 && character <= 0x5a;
  const isLower = character >= 0x61 && character <= 0x7a;
  return isUpper || isLower ? character ^ 0x20 : character;
}

/** @param ranges ascending */
function complement(ranges: readonly CharacterRange[]): CharacterRange[] {
  const others: CharacterRange[] = [];
  let from = 0;
  for (const [first, last] of ranges) {
    if (first > from) others.push([from, first - 1]);
    from = last + 1;
  }
  if (from <= LAST) others.push([from, LAST]);
  return others;
}
