import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { silentLogger } from '@ottla/base';
import { Lifecycle, type LifecycleStep } from './lifecycle.ts';

function steps(journal: string[], failing: { start?: string; close?: string } = {}): LifecycleStep[] {
  return ['tree', 'log', 'sockets'].map((name) => ({
    name,
    start() {
      journal.push(`+${name}`);
      if (failing.start === name) throw new Error(`${name} did not start`);
    },
    async close() {
      journal.push(`-${name}`);
      if (failing.close === name) throw new Error(`${name} did not close`);
    },
  }));
}

describe('Lifecycle', () => {
  test('starts in order, closes in reverse, each once', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle(steps(journal), silentLogger);
    await Promise.all([lifecycle.start(), lifecycle.start()]);
    await Promise.all([lifecycle.close(), lifecycle.close()]);
    await lifecycle.close();
    assert.deepEqual(journal, ['+tree', '+log', '+sockets', '-sockets', '-log', '-tree']);
  });

  test('a step that fails to start closes itself and those before it, and the failure is thrown', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle(steps(journal, { start: 'log' }), silentLogger);
    await assert.rejects(lifecycle.start(), /log did not start/);
    assert.deepEqual(journal, ['+tree', '+log', '-log', '-tree']);
    await lifecycle.close();
  });

  test('a step that fails to close does not keep the others from closing', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle(steps(journal, { close: 'log' }), silentLogger);
    await lifecycle.start();
    await assert.rejects(lifecycle.close(), /log did not close/);
    assert.deepEqual(journal.slice(3), ['-sockets', '-log', '-tree']);
  });

  test('closing while starting lets the step under way finish and starts no more', async () => {
    const journal: string[] = [];
    const lifecycle = new Lifecycle(
      steps(journal).map((step) => ({
        ...step,
        start: async () => {
          await Promise.resolve();
          await step.start?.();
        },
      })),
      silentLogger,
    );
    const starting = lifecycle.start();
    await lifecycle.close();
    await starting;
    assert.deepEqual(journal, ['+tree', '-tree']);
  });
});
