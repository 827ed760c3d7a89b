// Who may import whom, as ARCHITECTURE.md says it, and where time, randomness, files, sockets and threads may be touched.
// Reads imports as text: fast, and wrong only towards strictness.
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const root = new URL('..', import.meta.url).pathname;

/** Room → rooms it may import. */
const MAY_IMPORT = {
  base: [],
  protocol: ['base'],
  records: ['base'],
  network: ['base', 'protocol'],
  storage: ['base', 'records'],
  coordination: ['base', 'records'],
  broker: ['base', 'protocol', 'records', 'network', 'storage', 'coordination'],
  ottla: ['base', 'protocol', 'records', 'network', 'storage', 'coordination', 'broker'],
};

/** Inside broker: folder → folders it may not import. Coordinators reach a log through ports only. */
const BROKER_WALLS = {
  group: ['replica', 'controller', 'server', 'handlers', 'transaction'],
  transaction: ['replica', 'controller', 'server', 'handlers'],
  controller: ['replica', 'group', 'transaction', 'handlers'],
  replica: ['controller', 'group', 'transaction', 'handlers'],
  metadata: ['replica', 'controller', 'group', 'transaction', 'handlers', 'server'],
};

/** Modules and globals that belong to the ports' implementations in base (and to the process's edge in ottla). */
const PORT_MODULES = /^node:(fs|fs\/promises|net|tls|dgram|timers|timers\/promises|worker_threads)$/;
const PORT_GLOBALS = /\b(Date\.now|performance\.now|setTimeout|setInterval|Math\.random)\s*\(|new Date\(\)/;
const PORT_HOMES = new Set(['base']);

const IMPORT = /(?:\bfrom\s+|\bimport\s+|\bimport\()\s*'([^']+)'/g;

const problems = [];
const report = (file, what) => problems.push(`${relative(root, file)}: ${what}`);

function walk(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? walk(path) : [path];
  });
}

function checkImport(room, source, file, specifier, isTest) {
  if (specifier.startsWith('.')) return checkRelative(room, source, file, specifier, isTest);
  const match = /^@ottla\/([a-z]+)(\/.*)?$/.exec(specifier);
  if (match) {
    if (match[2]) report(file, `imports ${specifier}: only a room's public face may be imported`);
    else if (!MAY_IMPORT[room].includes(match[1])) report(file, `${room} may not import ${match[1]}`);
    return;
  }
  if (PORT_MODULES.test(specifier) && !PORT_HOMES.has(room) && !isTest && !(room === 'ottla')) {
    report(file, `imports ${specifier}: go through a port of base`);
  }
}

function checkRelative(room, source, file, specifier, isTest) {
  const target = normalize(join(dirname(file), specifier));
  if (!target.startsWith(source)) return report(file, `imports ${specifier}, which leaves the room`);
  // A test may drive a part through its neighbours.
  if (room !== 'broker' || isTest) return;
  const [from] = relative(source, file).split('/');
  const [to] = relative(source, target).split('/');
  if (BROKER_WALLS[from]?.includes(to)) report(file, `broker/${from} may not import broker/${to}`);
}

for (const room of Object.keys(MAY_IMPORT)) {
  const source = join(root, 'packages', room, 'src');
  for (const file of walk(source).filter((path) => path.endsWith('.ts'))) {
    const text = readFileSync(file, 'utf8');
    const isTest = /\.test\.ts$|\/testing\/|testing\.ts$/.test(file);
    for (const [, specifier] of text.matchAll(IMPORT)) checkImport(room, source, file, specifier, isTest);
    if (PORT_HOMES.has(room) || isTest) continue;
    text.split('\n').forEach((line, index) => {
      const code = line.replace(/\/\/.*|^\s*\*.*/, '');
      if (PORT_GLOBALS.test(code))
        report(`${file}:${index + 1}`, `touches time or randomness outside a port: ${line.trim()}`);
    });
  }
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
