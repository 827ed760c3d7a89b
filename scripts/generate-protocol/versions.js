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

/** An expression that is right in every version, as the branches of a conditional: ['version >= 9 ? A', 'version >= 3 ? B', 'C']. */
export function branchesByVersion(versions, codeOf) {
  return runsOf(versions, codeOf)
    .map(({ from, code }, index) => (index === 0 ? code : `version >= ${from} ? ${code}`))
    .reverse();
}

/** `head` and the conditional, on one line where it fits. */
export function assignmentLines(head, branches) {
  const oneLine = `${head} = ${branches.join(' : ')};`;
  if (oneLine.length <= 118 || branches.length === 1) return [oneLine];
  const last = branches.length - 1;
  return [
    `${head} =`,
    ...branches.map((branch, index) => `  ${index === 0 ? '' : ': '}${branch}${index === last ? ';' : ''}`),
  ];
}

/** Lines of statements that are right in every version: an if-else chain, newest first. `codeOf` gives lists of lines. */
export function statementsByVersion(versions, codeOf) {
  const runs = runsOf(versions, (version) => codeOf(version).join('\n'));
  const branches = [];
  for (let index = runs.length - 1; index >= 0; index--) {
    const { code } = runs[index];
    if (code !== '') branches.push({ condition: conditionOf(runs, index), lines: code.split('\n') });
  }
  if (branches.length === 1) return guarded(branches[0]);
  return branches.map(joined).flatMap(({ condition, lines }, index) => {
    const opening = condition === '' ? '} else {' : `${index === 0 ? '' : '} else '}if (${condition}) {`;
    return [opening, ...lines.map((line) => `  ${line}`), ...(index === branches.length - 1 ? ['}'] : [])];
  });
}

const GUARDED_THROW = /^if \((.+)\) (throw .+;)$/;

/** A branch that is nothing but a guarded throw takes the guard into its own condition; only where no other branch follows. */
function joined(branch, index, branches) {
  const guard = index === branches.length - 1 && branch.lines.length === 1 ? GUARDED_THROW.exec(branch.lines[0]) : null;
  if (guard === null) return branch;
  const condition = branch.condition === '' ? guard[1] : `${branch.condition} && ${guard[1]}`;
  return { condition, lines: [guard[2]] };
}

/** When a run applies, given that none of the newer runs that do something did. */
function conditionOf(runs, index) {
  const idle = runs.find((run, other) => other > index && run.code === '');
  const bounds = [];
  if (index > 0) bounds.push(`version >= ${runs[index].from}`);
  if (idle !== undefined) bounds.push(`version < ${idle.from}`);
  return bounds.join(' && ');
}

function guarded(branch) {
  const { condition, lines } = joined(branch, 0, [branch]);
  if (condition === '') return lines;
  const oneLine = `if (${condition}) ${lines[0]}`;
  if (lines.length === 1 && !lines[0].startsWith('if ') && oneLine.length <= 116) return [oneLine];
  return [`if (${condition}) {`, ...lines.map((line) => `  ${line}`), '}'];
}
