// A table of figures in Markdown, with the last system's ratio to each other one: above 1 it is better.

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** Smaller is better. */
  readonly isCost: boolean;
  readonly figures: Map<string, number>;
}

/** Prints a row a question and a column a system; the ratios say how the last system stands to each other one. */
export function printTable(systems: readonly string[], rows: readonly Row[]): void {
  const last = systems.at(-1) ?? '';
  const others = systems.slice(0, -1);
  const head = ['', ...systems, ...others.map((other) => `${last} / ${other}`)];
  console.log(`| ${head.join(' | ')} |`);
  console.log(`|${head.map(() => '---').join('|')}|`);
  for (const row of rows) {
    const figures = systems.map((system) => text(row.figures.get(system), row.unit));
    const ratios = others.map((other) => ratio(row, last, other));
    console.log(`| ${[row.name, ...figures, ...ratios].join(' | ')} |`);
  }
}

function text(figure: number | undefined, unit: string): string {
  if (figure === undefined) return '';
  const digits = figure >= 100 ? 0 : figure >= 10 ? 1 : 2;
  return `${figure.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${unit}`;
}

function ratio(row: Row, numerator: string, denominator: string): string {
  const a = row.figures.get(numerator);
  const b = row.figures.get(denominator);
  if (a === undefined || b === undefined) return '';
  return `${(row.isCost ? b / a : a / b).toFixed(2)} ×`;
}
