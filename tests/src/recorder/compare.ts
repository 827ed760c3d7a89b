// Two transcripts, field by field, and the list of differences that must be.

import type { Entry } from './step.ts';

export interface Difference {
  /** `name@version`. */
  readonly at: string;
  /** Where in the answer: `topics[3].errorCode`. */
  readonly path: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

export interface AllowedDifference {
  /** The name of a step, or what it matches. */
  readonly step: string | RegExp;
  /** Where in the answer; without, all of it. */
  readonly path?: RegExp;
  readonly because: string;
}

export interface Verdict {
  readonly unexpected: readonly Difference[];
  /** Allowed differences that no longer are. */
  readonly stale: readonly AllowedDifference[];
}

/** Holds the answers of `actual` against those of `expected`, which was recorded earlier. */
export function compare(
  expected: readonly Entry[],
  actual: readonly Entry[],
  allowed: readonly AllowedDifference[],
): Verdict {
  const used = new Set<AllowedDifference>();
  const unexpected = differences(expected, actual).filter((difference) => {
    const matching = allowed.filter((candidate) => isAllowed(difference, candidate));
    for (const candidate of matching) used.add(candidate);
    return matching.length === 0;
  });
  return { unexpected, stale: allowed.filter((candidate) => !used.has(candidate)) };
}

function isAllowed({ at, path }: Difference, allowed: AllowedDifference): boolean {
  const step = at.slice(0, at.lastIndexOf('@'));
  const isStep = typeof allowed.step === 'string' ? allowed.step === step : allowed.step.test(step);
  return isStep && (allowed.path === undefined || allowed.path.test(path));
}

const MISSING = '(missing)';

function differences(expected: readonly Entry[], actual: readonly Entry[]): Difference[] {
  const answers = new Map(actual.map((entry) => [keyOf(entry), entry.answer]));
  const found: Difference[] = [];
  for (const entry of expected) {
    const at = keyOf(entry);
    const answer = answers.has(at) ? answers.get(at) : MISSING;
    answers.delete(at);
    collect('', entry.answer, answer, (path, wanted, got) => found.push({ at, path, expected: wanted, actual: got }));
  }
  for (const [at, answer] of answers) found.push({ at, path: '', expected: MISSING, actual: answer });
  return found;
}

function keyOf({ step, version }: Entry): string {
  return `${step}@${version}`;
}

type OnDifference = (path: string, expected: unknown, actual: unknown) => void;

function collect(path: string, expected: unknown, actual: unknown, on: OnDifference): void {
  if (Array.isArray(expected) && Array.isArray(actual)) collectElements(path, expected, actual, on);
  else if (isObject(expected) && isObject(actual)) collectFields(path, expected, actual, on);
  else if (expected !== actual) on(path, expected, actual);
}

/** Elements that have a name are compared with those of the same name, others with those in the same place. */
function collectElements(
  path: string,
  expected: readonly unknown[],
  actual: readonly unknown[],
  on: OnDifference,
): void {
  const names = [...expected, ...actual].map(nameOf);
  const areNamed = names.every((name) => name !== undefined);
  if (!areNamed || hasDuplicates(expected) || hasDuplicates(actual)) {
    for (let index = 0; index < Math.max(expected.length, actual.length); index++) {
      collect(`${path}[${index}]`, at(expected, index), at(actual, index), on);
    }
    return;
  }
  for (const name of new Set(names)) {
    const find = (elements: readonly unknown[]) => {
      const element = elements.find((candidate) => nameOf(candidate) === name);
      return element === undefined ? MISSING : element;
    };
    collect(`${path}[${name}]`, find(expected), find(actual), on);
  }
}

function hasDuplicates(elements: readonly unknown[]): boolean {
  return new Set(elements.map(nameOf)).size < elements.length;
}

function at(elements: readonly unknown[], index: number): unknown {
  return index < elements.length ? elements[index] : MISSING;
}

/** What tells the elements of a list apart: the first of these that is there, with its second part. */
const NAMES = [
  ['resourceName', 'resourceType'],
  ['user'],
  ['name'],
  ['topic'],
  ['topicName'],
  ['groupId'],
  ['transactionalId'],
  ['apiKey'],
  ['key'],
  ['partitionIndex'],
  ['partition'],
] as const;

function nameOf(element: unknown): string | undefined {
  if (!isObject(element)) return undefined;
  const parts = NAMES.find(([first]) => typeof element[first] === 'string' || typeof element[first] === 'number');
  return parts?.map((part) => String(element[part])).join(' of type ');
}

function collectFields(
  path: string,
  expected: Record<string, unknown>,
  actual: Record<string, unknown>,
  on: OnDifference,
): void {
  for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)])) {
    const child = path === '' ? name : `${path}.${name}`;
    collect(child, name in expected ? expected[name] : MISSING, name in actual ? actual[name] : MISSING, on);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** One line for a person. */
export function describeDifference({ at: where, path, expected, actual }: Difference): string {
  return `${where} ${path}: expected ${shortJson(expected)}, got ${shortJson(actual)}`;
}

function shortJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined';
  return text.length <= 240 ? text : `${text.slice(0, 237)}…`;
}
