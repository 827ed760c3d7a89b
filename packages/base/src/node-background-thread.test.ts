import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { BackgroundThread } from './background-thread.ts';
import { NodeBackgroundThreads } from './node-background-thread.ts';

const BASE = new URL('./index.js', import.meta.url).href;
const PARENT = `import { nodeThreadParent } from '${BASE}'; const parent = nodeThreadParent();`;

describe('a thread', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'ottla-thread-'));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  function programOf(name: string, text: string): URL {
    const path = join(directory, `${name}.mjs`);
    writeFileSync(path, text);
    return pathToFileURL(path);
  }

  /** Starts the program. What it says first, or its death, is awaited by `heard`. */
  function started(name: string, text: string): { thread: BackgroundThread; heard: Promise<unknown> } {
    let hear: (heard: unknown) => void = () => {};
    const heard = new Promise((resolve) => {
      hear = resolve;
    });
    const listener = { onMessage: hear, onDied: hear };
    return { thread: new NodeBackgroundThreads().start(programOf(name, text), { name, listener }), heard };
  }

  test('is sent copies, also before it listens, and answers', async () => {
    const { thread, heard } = started('echo', `${PARENT} parent.listen((message) => parent.post({ got: message }));`);
    const sent = { numbers: [1, 2], bytes: new Uint8Array([3]) };
    thread.post(sent);
    const answer = await heard;
    assert.deepEqual(answer, { got: sent });
    await thread.close();
  });

  test('that was closed says nothing more, and is not dead', async () => {
    const { thread, heard } = started('busy', `${PARENT} parent.post('on'); for (;;);`);
    assert.equal(await heard, 'on');
    await thread.close();
    await thread.close();
    thread.post('to nobody');
    thread.ref();
    thread.unref();
  });

  for (const [name, text, problem] of [
    ['throws', `throw new Error('broken');`, /broken/],
    ['ends', `process.exit(3);`, /ends ended with code 3/],
    ['is-no-javascript', `)`, /Unexpected token/],
  ] as const) {
    test(`that ${name} is dead`, async () => {
      const { thread, heard } = started(name, text);
      const error = await heard;
      assert.ok(error instanceof Error);
      assert.match(error.message, problem);
      await thread.close();
    });
  }

  test('whose program is not there is dead', async () => {
    const program = pathToFileURL(join(directory, 'absent.mjs'));
    const error = await new Promise<Error>((resolve) => {
      const listener = { onMessage() {}, onDied: resolve };
      new NodeBackgroundThreads().start(program, { name: 'absent', listener });
    });
    assert.match(error.message, /absent\.mjs/);
  });

  test('has the lowest priority, and nobody else of the process has', {
    skip: process.platform !== 'linux',
  }, async () => {
    const { thread, heard } = started('lowly', `${PARENT} parent.post('on'); parent.listen(() => {});`);
    await heard;
    const niceness = readdirSync('/proc/self/task').map((id) => {
      const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8');
      // Field 19; the second is a name in parentheses.
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    });
    await thread.close();
    assert.equal(niceness.filter((each) => each === 19).length, 1, niceness.join(' '));
  });

  test('keeps the process until it is let go', () => {
    const program = programOf('idle', `${PARENT} parent.listen(() => {}); parent.post('on');`);
    const main = programOf(
      'main',
      `import { NodeBackgroundThreads } from '${BASE}';
       const listener = { onMessage() { console.log('heard'); thread.unref(); }, onDied: console.error };
       const thread = new NodeBackgroundThreads().start(new URL('${program.href}'), { name: 'idle', listener });`,
    );
    const { status, stdout, stderr } = spawnSync(process.execPath, [main.pathname], { timeout: 60_000 });
    assert.deepEqual([status, String(stdout), String(stderr)], [0, 'heard\n', '']);
  });
});
