// Version ranges of the schemas, and code that differs by version.

/** '3' | '3-5' | '3+' | '0,3' | 'none' → sorted versions, of those that are valid. */
export function parseVersions(text, valid) {
  if (text === undefined || text === 'none') return [];
  return valid.filter((version) => text.split(',').some((part) => isIn(part, version)));
}

/** The versions a message itself declares: no open end. */
export function declaredVersions(text) {
  const versions = [];
  for (const part of text.split(',')) {
    const [from, to = from] = part.split('-').map(Number);
    for (let version = from; version <= to; version++) versions.push(version);
  }
  return versions;
}

function isIn(part, version) {
  if (part.endsWith('+')) return version >= Number(part.slice(0, -1));
  const [from, to = from] = part.split('-').map(Number);
  return version >= from && version <= to;
}

/** Runs of versions for which `codeOf` gives the same code: [{ from, to, code }], oldest first. */
export function runsOf(versions, codeOf) {
  const runs = [];
  for (const version of versions) {
    const code = codeOf(version);
    const last = runs.at(-1);
    if (last !== undefined && last.code === code) last.to = version;
    else runs.push({ from: version, to: version, code });
  }
  return runs;
}

/** One expression that is right in every version: `version >= 9 ? A : version >= 3 ? B : C`. */
export function expressionByVersion(versions, codeOf) {
  const runs = runsOf(versions, codeOf);
  let expression = runs[0].code;
  for (let index = 1; index < runs.length; index++) {
    expression = `version >= ${runs[index].from} ? ${runs[index].code} : ${expression}`;
  }
  return expression;
}

/** Lines of statements that are right in every version: an if-else chain, newest first. `codeOf` gives lists of lines. */
export function statementsByVersion(versions, codeOf) {
  const runs = runsOf(versions, (version) => codeOf(version).join('\n'));
  if (runs.length === 1) return runs[0].code === '' ? [] : runs[0].code.split('\n');
  const lines = [];
  let open = '';
  for (let index = runs.length - 1; index >= 0; index--) {
    const { from, code } = runs[index];
    const older = index > 0;
    if (code === '') {
      // Nothing to do here: when all older ones do nothing either the chain ends, else they need the bound.
      if (runs.slice(0, index).every((run) => run.code === '')) break;
      if (older) {
        lines.push(`${open}if (version >= ${from}) {`);
        open = '} else ';
      }
      continue;
    }
    lines.push(older ? `${open}if (version >= ${from}) {` : `${open}{`);
    lines.push(...code.split('\n').map((line) => `  ${line}`));
    open = '} else ';
  }
  lines.push('}');
  return lines;
}
