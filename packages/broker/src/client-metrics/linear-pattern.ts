// Regular expressions that arrive over the network, matched whole in time linear in the text: the states of a finite automaton are followed
// side by side, nothing is tried twice. What needs backtracking (backreferences, lookaround, possessive quantifiers) is refused when the
// pattern is made. Syntax and meaning are java.util.regex's; the method is Thompson's (Communications of the ACM 11, 1968).

import { mustBePresent } from '@ottla/base';
import { type CharacterSet, containsCharacter } from './character-set.ts';
import { type PatternNode, parsePattern, UnsupportedPatternError } from './pattern-parser.ts';

export { PatternSyntaxError, UnsupportedPatternError } from './pattern-parser.ts';

/** Longer patterns are refused. */
export const PATTERN_LENGTH_MAX = 1024;
/** Repetitions are written out: `(a{30}){30}` is long, though short to write. */
const INSTRUCTIONS_MAX = 1000;
/** Longer texts match nothing: what a match costs is at most this times INSTRUCTIONS_MAX. */
export const TEXT_LENGTH_MAX = 2048;

type Instruction =
  | { readonly op: 'character'; readonly set: CharacterSet }
  /** Goes on at both places. */
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; to: number }
  | { readonly op: 'start' }
  | { readonly op: 'end' }
  | { readonly op: 'match' };

export class LinearPattern {
  readonly source: string;
  readonly #program: readonly Instruction[];

  /** @throws PatternSyntaxError when `source` is no regular expression, is not one of this kind, or is too large */
  constructor(source: string) {
    if (source.length > PATTERN_LENGTH_MAX) {
      throw new UnsupportedPatternError(
        `a pattern of ${source.length} characters, at most ${PATTERN_LENGTH_MAX} are allowed`,
      );
    }
    const program: Instruction[] = [];
    emit(program, parsePattern(source));
    append(program, { op: 'match' });
    this.source = source;
    this.#program = program;
  }

  /** Does the whole text match? Source: java.util.regex.Matcher.matches. */
  matches(text: string): boolean {
    if (text.length > TEXT_LENGTH_MAX) return false;
    const characters = Array.from(text, (character) => character.codePointAt(0) ?? 0);
    let states = new StateSet(this.#program);
    let next = new StateSet(this.#program);
    states.add(0, 0, characters.length);
    characters.forEach((character, position) => {
      next.clear();
      for (const pc of states.waiting) {
        const instruction = this.#program[pc];
        if (instruction?.op === 'character' && containsCharacter(instruction.set, character)) {
          next.add(pc + 1, position + 1, characters.length);
        }
      }
      [states, next] = [next, states];
    });
    return states.isMatched;
  }
}

/** Where in the program the automaton stands, after following everything that takes no character. */
class StateSet {
  /** Instructions that wait for a character. */
  readonly waiting: number[] = [];
  isMatched = false;
  readonly #program: readonly Instruction[];
  /** The round in which an instruction was last reached. */
  readonly #seen: Uint32Array;
  #round = 1;

  constructor(program: readonly Instruction[]) {
    this.#program = program;
    this.#seen = new Uint32Array(program.length);
  }

  clear(): void {
    this.waiting.length = 0;
    this.#round++;
    this.isMatched = false;
  }

  /** @param position characters read so far, of `length` */
  add(from: number, position: number, length: number): void {
    const open = [from];
    for (let pc = open.pop(); pc !== undefined; pc = open.pop()) {
      if (this.#seen[pc] === this.#round) continue;
      this.#seen[pc] = this.#round;
      const instruction = mustBePresent(this.#program[pc], 'instruction');
      if (instruction.op === 'character') this.waiting.push(pc);
      else if (instruction.op === 'split') open.push(instruction.second, instruction.first);
      else if (instruction.op === 'jump') open.push(instruction.to);
      else if (instruction.op === 'match') this.isMatched = true;
      else if (position === (instruction.op === 'start' ? 0 : length)) open.push(pc + 1);
    }
  }
}

function append(program: Instruction[], instruction: Instruction): void {
  if (program.length >= INSTRUCTIONS_MAX) throw new UnsupportedPatternError('the pattern repeats too much');
  program.push(instruction);
}

function emit(program: Instruction[], node: PatternNode): void {
  switch (node.kind) {
    case 'character':
      append(program, { op: 'character', set: node.set });
      break;
    case 'start':
    case 'end':
      append(program, { op: node.kind });
      break;
    case 'sequence':
      for (const part of node.parts) emit(program, part);
      break;
    case 'choice':
      emitChoice(program, node.options);
      break;
    case 'repeat':
      emitRepeat(program, node);
      break;
    default:
      node satisfies never;
  }
}

function emitChoice(program: Instruction[], options: readonly PatternNode[]): void {
  const jumps: { op: 'jump'; to: number }[] = [];
  options.forEach((option, i) => {
    const isLast = i === options.length - 1;
    const split = { op: 'split' as const, first: program.length + 1, second: 0 };
    if (!isLast) append(program, split);
    emit(program, option);
    if (isLast) return;
    const jump = { op: 'jump' as const, to: 0 };
    append(program, jump);
    jumps.push(jump);
    split.second = program.length;
  });
  for (const jump of jumps) jump.to = program.length;
}

function emitRepeat(program: Instruction[], { node, min, max }: PatternNode & { kind: 'repeat' }): void {
  // Each round costs an instruction at least, so that a repetition of nothing is bounded as well.
  for (let i = 0; i < min; i++) emitRound(program, node);
  if (max === Number.POSITIVE_INFINITY) {
    const split = { op: 'split' as const, first: program.length + 1, second: 0 };
    const start = program.length;
    append(program, split);
    emit(program, node);
    append(program, { op: 'jump', to: start });
    split.second = program.length;
    return;
  }
  const splits: { op: 'split'; first: number; second: number }[] = [];
  for (let i = min; i < max; i++) {
    const split = { op: 'split' as const, first: program.length + 1, second: 0 };
    append(program, split);
    splits.push(split);
    emit(program, node);
  }
  for (const split of splits) split.second = program.length;
}

function emitRound(program: Instruction[], node: PatternNode): void {
  const before = program.length;
  emit(program, node);
  if (program.length === before) append(program, { op: 'jump', to: before + 1 });
}
