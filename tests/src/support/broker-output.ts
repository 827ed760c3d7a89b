// What a broker process says of itself.

/** Failures that nobody foresaw, each kind once, with the lines that follow. */
export function unforeseenFailures(output: string): string[] {
  const lines = output.split('\n');
  const found = new Map<string, string>();
  lines.forEach((line, i) => {
    if (!/unexpected|AssertionFailed|TypeError|RangeError/.test(line)) return;
    const kind = line.replaceAll(/[\d:.\-[\],]+/g, '');
    if (!found.has(kind)) found.set(kind, lines.slice(i, i + 4).join('\n'));
  });
  return [...found.values()];
}
