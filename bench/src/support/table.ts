// A table of figures in Markdown, with the last column's ratio to the first.

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
  return `${figure >= 1000 ? Math.round(figure).toLocaleString('en') : figure.toFixed(1)} ${unit}`;
}

function ratio(row: Row, numerator: string, denominator: string): string {
  const a = row.figures.get(numerator);
  const b = row.figures.get(denominator);
  return a === undefined || b === undefined ? '' : `${(a / b).toFixed(2)} ×`;
}
