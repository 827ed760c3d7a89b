// Reads the regular expressions that LinearPattern can match:
//   choice = sequence ('|' sequence)*      sequence = (atom quantifier?)*      quantifier = ('*' | '+' | '?' | '{n}' | '{n,}' | '{n,m}') '?'?
//   atom = character | '.' | '\' escape | '[' class ']' | '(' choice ')' | '(?:' choice ')' | '(?<name>' choice ')' | '^' | '$'
// and `(?i)` at the very beginning. Source: java.util.regex.Pattern.

import { ANY_BUT_LINE_END, type CharacterRange, type CharacterSet, classOf } from './character-set.ts';

/** Not a regular expression that can be matched in linear time. */
export class PatternSyntaxError extends Error {
  override readonly name: string = 'PatternSyntaxError';
}

/** Java would take it, and it cannot be matched in linear time or is not built. */
export class UnsupportedPatternError extends PatternSyntaxError {
  override readonly name = 'UnsupportedPatternError';
}

export type PatternNode =
  | { readonly kind: 'character'; readonly set: CharacterSet }
  | { readonly kind: 'start' }
  | { readonly kind: 'end' }
  | { readonly kind: 'sequence'; readonly parts: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  /** @property max Infinity: any number */
  | { readonly kind: 'repeat'; readonly node: PatternNode; readonly min: number; readonly max: number };

const GROUPS_DEEP_MAX = 50;
const REPEAT_MAX = 1000;
const IGNORE_CASE = '(?i)';
const CONTROLS: ReadonlyMap<string, number> = new Map([
  ['t', 0x09],
  ['n', 0x0a],
  ['r', 0x0d],
  ['f', 0x0c],
  ['a', 0x07],
  ['e', 0x1b],
]);

/** @throws PatternSyntaxError */
export function parsePattern(source: string): PatternNode {
  const ignoresCase = source.startsWith(IGNORE_CASE);
  const characters = Array.from(ignoresCase ? source.slice(IGNORE_CASE.length) : source);
  return new PatternParser(characters, ignoresCase).parse();
}

class PatternParser {
  readonly #characters: readonly string[];
  readonly #ignoresCase: boolean;
  #position = 0;
  #depth = 0;

  constructor(characters: readonly string[], ignoresCase: boolean) {
    this.#characters = characters;
    this.#ignoresCase = ignoresCase;
  }

  parse(): PatternNode {
    const node = this.#choice();
    if (this.#peek() !== undefined) throw this.#error('unmatched )');
    return node;
  }

  #choice(): PatternNode {
    const options = [this.#sequence()];
    while (this.#skip('|')) options.push(this.#sequence());
    return options.length === 1 && options[0] !== undefined ? options[0] : { kind: 'choice', options };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    for (let next = this.#peek(); next !== undefined && next !== '|' && next !== ')'; next = this.#peek()) {
      parts.push(this.#quantified(this.#atom()));
    }
    return { kind: 'sequence', parts };
  }

  #quantified(node: PatternNode): PatternNode {
    const bounds = this.#quantifier();
    if (bounds === undefined) return node;
    // Lazy or not, the whole text matches or it does not. What a possessive quantifier took it does not give back: that is another language.
    this.#skip('?');
    if (this.#peek() === '+') throw this.#unsupported('possessive quantifiers are not supported');
    if (this.#quantifier() !== undefined) throw this.#error('a quantifier follows a quantifier');
    return { kind: 'repeat', node, ...bounds };
  }

  #quantifier(): { min: number; max: number } | undefined {
    if (this.#skip('*')) return { min: 0, max: Number.POSITIVE_INFINITY };
    if (this.#skip('+')) return { min: 1, max: Number.POSITIVE_INFINITY };
    if (this.#skip('?')) return { min: 0, max: 1 };
    if (!this.#skip('{')) return undefined;
    const min = this.#count();
    let max = min;
    if (this.#skip(',')) max = this.#peek() === '}' ? Number.POSITIVE_INFINITY : this.#count();
    if (!this.#skip('}') || max < min) throw this.#error('a repetition is not {n}, {n,} or {n,m}');
    return { min, max };
  }

  #count(): number {
    let digits = '';
    while (/^[0-9]$/.test(this.#peek() ?? '')) digits += this.#next();
    const count = Number(digits);
    if (digits === '' || count > REPEAT_MAX) throw this.#error(`a repetition is not a number up to ${REPEAT_MAX}`);
    return count;
  }

  #atom(): PatternNode {
    const character = this.#next();
    switch (character) {
      case '(':
        return this.#group();
      case '[':
        return this.#class();
      case '.':
        return this.#set(ANY_BUT_LINE_END);
      case '^':
        return { kind: 'start' };
      case '$':
        return { kind: 'end' };
      case '\\':
        return this.#set(this.#escape());
      case '*':
      case '+':
      case '?':
      case '{':
        throw this.#error(`nothing to repeat before ${character}`);
      default:
        return this.#set(rangeOf(character));
    }
  }

  #group(): PatternNode {
    if (++this.#depth > GROUPS_DEEP_MAX) throw this.#error('groups are nested too deep');
    if (this.#skip('?')) this.#groupKind();
    const node = this.#choice();
    if (!this.#skip(')')) throw this.#error('unclosed group');
    this.#depth--;
    return node;
  }

  /** After `(?`: only what groups, and names that nobody asks for. */
  #groupKind(): void {
    if (this.#skip(':')) return;
    if (this.#skip('<') && /^[a-zA-Z]$/.test(this.#peek() ?? '')) {
      while (/^[a-zA-Z0-9]$/.test(this.#peek() ?? '')) this.#next();
      if (this.#skip('>')) return;
    }
    throw this.#unsupported('lookaround, atomic groups and inline flags are not supported');
  }

  #class(): PatternNode {
    const isNegated = this.#skip('^');
    const ranges: CharacterRange[] = [];
    do ranges.push(...this.#classItem());
    while (this.#peek() !== ']');
    this.#next();
    return { kind: 'character', set: { ranges, isNegated, ignoresCase: this.#ignoresCase } };
  }

  #classItem(): readonly CharacterRange[] {
    const first = this.#classCharacter();
    const [only] = first;
    const isRange = this.#peek() === '-' && this.#characters[this.#position + 1] !== ']';
    if (!isRange || first.length !== 1 || only === undefined || only[0] !== only[1]) return first;
    this.#next();
    const [last, ...more] = this.#classCharacter();
    if (last === undefined || more.length > 0 || last[0] !== last[1] || last[0] < only[0]) {
      throw this.#error('a range of characters is out of order');
    }
    return [[only[0], last[0]]];
  }

  #classCharacter(): readonly CharacterRange[] {
    const character = this.#next();
    if (character === '\\') return this.#escape();
    if (character === '[' || (character === '&' && this.#peek() === '&')) {
      throw this.#unsupported('classes within classes are not supported');
    }
    return rangeOf(character);
  }

  #escape(): readonly CharacterRange[] {
    const letter = this.#next();
    const known = classOf(letter);
    if (known !== undefined) return known;
    const control = CONTROLS.get(letter);
    if (control !== undefined) return [[control, control]];
    if (/^[a-zA-Z0-9]$/.test(letter)) throw this.#unsupported(`\\${letter} is not supported`);
    return rangeOf(letter);
  }

  #set(ranges: readonly CharacterRange[]): PatternNode {
    return { kind: 'character', set: { ranges, isNegated: false, ignoresCase: this.#ignoresCase } };
  }

  #peek(): string | undefined {
    return this.#characters[this.#position];
  }

  #skip(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#position++;
    return true;
  }

  #next(): string {
    const character = this.#peek();
    if (character === undefined) throw this.#error('the pattern breaks off');
    this.#position++;
    return character;
  }

  #unsupported(problem: string): UnsupportedPatternError {
    return new UnsupportedPatternError(`${problem}, at character ${this.#position}`);
  }

  #error(problem: string): PatternSyntaxError {
    return new PatternSyntaxError(`${problem}, at character ${this.#position}`);
  }
}

function rangeOf(character: string): CharacterRange[] {
  const point = character.codePointAt(0) ?? 0;
  return [[point, point]];
}
