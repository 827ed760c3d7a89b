// The compiled program, run as a person would run it.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { startBroker } from './start-broker.ts';

const MAIN = join(import.meta.dirname, 'main.js');
const scratch = mkdtempSync(join(tmpdir(), 'ottla-cli-'));
after(() => rmSync(scratch, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function launch(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended>; output: () => string } {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: scratch });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return { child, ended, output: () => stdout };
}

function run(...args: string[]): Promise<Ended> {
  return launch(args).ended;
}

/** Resolves when the program printed something that `pattern` finds, or ended. */
async function printed(started: ReturnType<typeof launch>, pattern: RegExp): Promise<void> {
  await new Promise<void>((resolve) => {
    const look = () => pattern.test(started.output()) && resolve();
    started.child.stdout?.on('data', look);
    void started.ended.then(() => resolve());
  });
  assert.match(started.output(), pattern);
}

function override(...settings: string[]): string[] {
  return settings.flatMap((setting) => ['--override', setting]);
}

const refusals: [what: string, args: string[], sentence: RegExp][] = [
  ['no command', [], /^ottla: a command is missing: try `ottla start`, or `ottla --help`\n$/],
  ['an unknown command', ['stop'], /^ottla: there is no command stop: try `ottla --help`\n$/],
  ['an unknown option', ['start', '--fast'], /^ottla: Unknown option '--fast'\n$/],
  ['an override without a value', ['start', '--override', 'x'], /^ottla: --override needs key=value, and got x\n$/],
  ['an unknown log format', ['start', '--log-format', 'xml'], /^ottla: --log-format is human or json, not xml\n$/],
  ['an unknown log level', ['start', '--log-level', 'loud'], /^ottla: --log-level is one of TRACE, .*, not loud\n$/],
  ['a dry run of nothing', ['start', '--dry-run'], /^ottla: --dry-run only goes together with --adopt-log-dirs\n$/],
  [
    'a file that is not there',
    ['start', 'no.properties'],
    /^ottla: settings were to come from no\.properties, and there is no such file\n$/,
  ],
  [
    'a bad value',
    ['start', ...override('num.partitions=x')],
    /^ottla: Invalid value x for configuration num\.partitions: Not a number of type INT\n$/,
  ],
  [
    'a TLS listener',
    ['start', ...override('listeners=SSL://:0', 'security.inter.broker.protocol=SSL')],
    /^ottla: listener SSL asks for SSL, and only PLAINTEXT listeners are built\n$/,
  ],
  [
    'a ZooKeeper elsewhere',
    ['start', ...override('zookeeper.connect=localhost:2181')],
    /^ottla: zookeeper\.connect is set, and a ZooKeeper outside this process is not built: .*\n$/,
  ],
];

describe('ottla', { concurrency: 2 }, () => {
  for (const [what, args, sentence] of refusals) {
    test(`refuses ${what} with one sentence and exit code 1, and writes nothing`, async () => {
      const { code, stderr } = await run(...args);
      assert.match(stderr, sentence);
      assert.equal(code, 1);
      assert(!existsSync(join(scratch, 'data')), 'a data directory was made');
    });
  }

  test('prints its help and its version', async () => {
    const help = await run('--help');
    assert.match(help.stdout, /^Usage: ottla start \[server\.properties\]/);
    assert.equal(help.code, 0);
    assert.match((await run('--version')).stdout, /^\d+\.\d+\.\d+\n$/);
  });

  test('refuses a port that is taken, and makes no data directory', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    assert(address !== null && typeof address === 'object');
    const dataDir = join(scratch, 'taken');
    const { code, stderr } = await run(
      'start',
      ...override(`listeners=PLAINTEXT://127.0.0.1:${address.port}`, `log.dirs=${dataDir}`),
    );
    assert.equal(
      stderr,
      `ottla: listener PLAINTEXT cannot use 127.0.0.1:${address.port}: another program listens there\n`,
    );
    assert.equal(code, 1);
    assert(!existsSync(dataDir));
    server.close();
  });

  test('refuses a directory that another broker uses, and one of another broker', async () => {
    const dataDir = join(scratch, 'used');
    const broker = await startBroker({ dataDir });
    const used = await run('start', ...override('listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${dataDir}`));
    assert.match(
      used.stderr,
      /^ottla: Failed to acquire lock on file \.lock in .*used\. .* is using this directory\.\n$/,
    );
    assert.equal(used.code, 1);
    await broker.close();
    const before = readdirSync(dataDir);
    const foreign = await run(
      'start',
      ...override('listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${dataDir}`, 'broker.id=7'),
    );
    assert.match(
      foreign.stderr,
      /^ottla: .*used belongs to broker 0, and broker\.id is 7: give the right broker\.id, or other log\.dirs\n$/,
    );
    assert.equal(foreign.code, 1);
    assert.deepEqual(readdirSync(dataDir), before);
  });

  test('refuses directories that belong to two brokers, and a file in place of one', async () => {
    const [a, b, file] = ['a', 'b', 'file'].map((name) => join(scratch, name));
    for (const [dir, id] of [
      [a, 1],
      [b, 2],
    ] as const) {
      mkdirSync(dir ?? '');
      writeFileSync(join(dir ?? '', 'meta.properties'), `version=0\nbroker.id=${id}\n`);
    }
    const two = await run('start', ...override('listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${a},${b}`));
    assert.match(two.stderr, /^ottla: log dirs belong to different brokers: .* to broker 1 .* to broker 2 .*\n$/);
    writeFileSync(file ?? '', '');
    const notOne = await run('start', ...override('listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${file}`));
    assert.match(notOne.stderr, /^ottla: .*file in log\.dirs is not a directory\n$/);
    assert.deepEqual([two.code, notOne.code], [1, 1]);
  });

  test('says when it is ready, where and who it is, and stops in order at SIGTERM', async () => {
    const dataDir = join(scratch, 'ready');
    const file = join(scratch, 'ready.properties');
    writeFileSync(
      file,
      `# a comment\nlisteners = PLAINTEXT://127.0.0.1:0\nlog.dirs=/nowhere\nbroker.id: 5\nno.such.key=1\n`,
    );
    const started = launch(['start', file, ...override(`log.dirs=${dataDir}`)]);
    await printed(started, /INFO ready: 127\.0\.0\.1:\d+, broker 5, cluster [\w-]{22}, data in \S*ready\n/);
    started.child.kill('SIGTERM');
    const { code, stdout, stderr } = await started.ended;
    assert.match(stdout, /WARN Unknown configuration no\.such\.key: it has no effect \(kafka\.server\.KafkaServer\)/);
    assert.match(stdout, /INFO stopped\n$/);
    assert.deepEqual([code, stderr], [0, '']);
    assert(existsSync(join(dataDir, '.kafka_cleanshutdown')));
  });

  test('logs a JSON object a line when asked to', async () => {
    const args = override('listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${join(scratch, 'json')}`);
    const started = launch(['start', '--log-format', 'json', '--log-level', 'debug', ...args]);
    await printed(started, /"message":"ready: /);
    started.child.kill('SIGINT');
    const { code, stdout } = await started.ended;
    const lines: { level: string; message: string }[] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert(lines.every(({ level, message }) => typeof level === 'string' && typeof message === 'string'));
    assert.equal(code, 0);
  });

  test('stops at once at the second signal', async () => {
    const args = override('listeners=PLAINTEXT://127.0.0.1:0', `log.dirs=${join(scratch, 'twice')}`);
    const started = launch(['start', ...args]);
    await printed(started, /ready: /);
    started.child.kill('SIGTERM');
    started.child.kill('SIGINT');
    assert.equal((await started.ended).code, 1);
  });
});
