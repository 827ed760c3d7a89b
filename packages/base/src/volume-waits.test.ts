import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from './random.ts';
import { VolumeWaits } from './volume-waits.ts';

/** Calls that end when they are told to. */
class Calls {
  readonly #waits = new VolumeWaits({ perVolumeMax: 2, inAllMax: 3 });
  readonly #endings: { volume: number; end: (error?: Error) => void }[] = [];
  readonly begun: string[] = [];

  ask(volume: number, name = ''): Promise<void> {
    return this.#waits.run(volume, () => {
      this.begun.push(`${volume}${name}`);
      return new Promise<void>((resolve, reject) => {
        this.#endings.push({ volume, end: (error) => (error === undefined ? resolve() : reject(error)) });
      });
    });
  }

  /** How many are under way, of `volume` or of all. */
  count(volume?: number): number {
    return this.#endings.filter((call) => volume === undefined || call.volume === volume).length;
  }

  /** Ends the first that is under way. */
  async end(volume: number, error?: Error): Promise<void> {
    const index = this.#endings.findIndex((call) => call.volume === volume);
    this.#endings.splice(index, 1)[0]?.end(error);
    await settle();
  }
}

function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe('calls that wait for a volume', () => {
  test('one bad disk has two threads, two bad ones have three, and a good one still begins', async () => {
    const calls = new Calls();
    for (let i = 0; i < 5; i++) void calls.ask(1);
    assert.deepEqual([calls.count(1), calls.count()], [2, 2]);
    for (let i = 0; i < 5; i++) void calls.ask(2);
    assert.deepEqual([calls.count(2), calls.count()], [1, 3]);
    const good = calls.ask(3);
    assert.equal(calls.count(3), 1);
    await calls.end(3);
    await good;
  });

  test('those of one volume begin in order', async () => {
    const calls = new Calls();
    for (const name of ['a', 'b', 'c', 'd']) void calls.ask(1, name);
    for (let i = 0; i < 4; i++) await calls.end(1);
    assert.deepEqual(calls.begun, ['1a', '1b', '1c', '1d']);
  });

  test('one that fails tells who asked, and makes room', async () => {
    const calls = new Calls();
    const first = calls.ask(1);
    void calls.ask(1);
    void calls.ask(1);
    const refused = assert.rejects(first, /bad disk/);
    await calls.end(1, new Error('bad disk'));
    await refused;
    assert.equal(calls.count(1), 2);
  });

  test('whatever comes and ends, the limits hold and nobody is forgotten', async () => {
    const random = new SeededRandom(5);
    const calls = new Calls();
    let asked = 0;
    const all: Promise<void>[] = [];
    while (asked < 500 || calls.count() > 0) {
      if (asked < 500 && random.nextInt(2) === 0) {
        all.push(calls.ask(random.nextInt(4)));
        asked++;
      } else {
        const volumes = [0, 1, 2, 3].filter((volume) => calls.count(volume) > 0);
        const volume = volumes[random.nextInt(Math.max(volumes.length, 1))];
        if (volume !== undefined) await calls.end(volume);
      }
      const busy = [0, 1, 2, 3].map((volume) => calls.count(volume));
      assert.ok(Math.max(...busy) <= 2, `${busy}`);
      // A second one is only begun while a thread stays free.
      assert.ok(busy.filter((count) => count === 2).length <= 1, `${busy}`);
    }
    await Promise.all(all);
    assert.equal(calls.begun.length, 500);
  });
});
