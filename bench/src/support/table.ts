// A table of figures in Markdown: the medians of all rounds, and the last system's ratio to each other one, above 1 it is better, with the
// lowest and the highest of the rounds.

/** What must hold for the last system. */
export interface Goal {
  /** Times as good as Kafka. */
  readonly overKafka?: number;
  /** Times as good as the sink. */
  readonly overSink?: number;
  /** The figure itself. */
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface RowHead {
  readonly name: string;
  readonly unit: string;
  /** Smaller is better. */
  readonly isCost?: boolean;
  readonly goal?: Goal;
}

export interface Row {
  readonly head: RowHead;
  /** By system, a figure a round. */
  readonly figures: Map<string, number[]>;
}

export interface Systems {
  readonly kafka: string;
  /** undefined: it is not asked. */
  readonly sink?: string;
  readonly subject: string;
}

interface Ratio {
  readonly middle: number;
  readonly text: string;
}

export function printTable({ kafka, sink, subject }: Systems, rows: readonly Row[]): void {
  const others = sink === undefined ? [kafka] : [kafka, sink];
  const systems = [...others, subject];
  const head = ['', ...systems, ...others.map((other) => `${subject} / ${other}`), 'aim', ''];
  console.log(`| ${head.join(' | ')} |`);
  console.log(`|${head.map(() => '---').join('|')}|`);
  for (const row of rows) {
    const figures = systems.map((system) => text(row.figures.get(system), row.head.unit));
    const [overKafka, overSink] = others.map((other) => ratio(row, subject, other));
    const isMet = meets(row.head.goal, { overKafka, overSink, figure: row.figures.get(subject) });
    const ratios = others.map((other) => ratio(row, subject, other)?.text ?? '');
    console.log(`| ${[row.head.name, ...figures, ...ratios, goalText(row.head), isMet].join(' | ')} |`);
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

function text(figures: readonly number[] | undefined, unit: string): string {
  if (figures === undefined) return '';
  const figure = median(figures);
  const digits = figure >= 100 ? 0 : figure >= 10 ? 1 : 2;
  return `${figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`;
}

/** Round by round: what disturbs the machine disturbs both. */
function ratio(row: Row, numerator: string, denominator: string): Ratio | undefined {
  const above = row.figures.get(numerator);
  const below = row.figures.get(denominator);
  if (above === undefined || below === undefined) return undefined;
  const rounds = above.map((figure, i) => {
    const other = below[i] ?? below[0] ?? Number.NaN;
    return row.head.isCost ? other / figure : figure / other;
  });
  return { middle: median(rounds), text: withSpread(rounds, '×', 2) };
}

/** The median, and of several rounds the lowest and the highest. */
export function withSpread(rounds: readonly number[], unit: string, digits: number): string {
  const [middle, low, high] = [median(rounds), Math.min(...rounds), Math.max(...rounds)].map((each) =>
    each.toFixed(digits),
  );
  return `${middle} ${unit}${rounds.length > 1 ? ` (${low}–${high})` : ''}`;
}

function meets(
  goal: Goal | undefined,
  found: { overKafka: Ratio | undefined; overSink: Ratio | undefined; figure: readonly number[] | undefined },
): string {
  if (goal === undefined || Object.keys(goal).length === 0 || found.figure === undefined) return '';
  const isUnknown =
    (goal.overKafka !== undefined && found.overKafka === undefined) ||
    (goal.overSink !== undefined && found.overSink === undefined);
  if (isUnknown) return '';
  const { overKafka = 0, overSink = 0, atMost = Number.POSITIVE_INFINITY, atLeast = 0 } = goal;
  const figure = median(found.figure);
  const isMet =
    (found.overKafka?.middle ?? overKafka) >= overKafka &&
    (found.overSink?.middle ?? overSink) >= overSink &&
    figure <= atMost &&
    figure >= atLeast;
  return isMet ? 'met' : '**missed**';
}

function goalText({ goal = {}, unit }: RowHead): string {
  const parts = [
    goal.overKafka === undefined ? '' : `${goal.overKafka} × Kafka`,
    goal.overSink === undefined ? '' : `${goal.overSink} × sink`,
    goal.atMost === undefined ? '' : `≤ ${goal.atMost} ${unit}`,
    goal.atLeast === undefined ? '' : `≥ ${goal.atLeast} ${unit}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
