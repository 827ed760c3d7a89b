import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LazyMap, LazySet } from './lazy-collections.ts';

describe('a lazy map', () => {
  it('is empty before anything is in it and after everything has left', () => {
    const map = new LazyMap<string, number>();
    const check = (): void => {
      assert.equal(map.size, 0);
      assert.equal(map.get('a'), undefined);
      assert.equal(map.has('a'), false);
      assert.deepEqual([...map.entries], []);
    };
    check();
    map.delete('a');
    map.set('a', 1);
    map.set('b', 2);
    map.delete('a');
    map.delete('b');
    check();
    map.set('a', 1);
    map.clear();
    check();
  });

  it('answers as a Map does', () => {
    const map = new LazyMap<string, number>();
    map.set('a', 1);
    map.set('b', 2);
    map.set('a', 3);
    assert.equal(map.size, 2);
    assert.equal(map.get('a'), 3);
    assert.equal(map.has('b'), true);
    assert.deepEqual([...map.entries], Object.entries({ a: 3, b: 2 }));
  });

  it('may lose entries while it is walked, the last one too', () => {
    const map = new LazyMap<number, string>();
    for (let i = 0; i < 5; i++) map.set(i, String(i));
    const seen: number[] = [];
    for (const [key] of map.entries) {
      seen.push(key);
      map.delete(key);
    }
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
    assert.equal(map.size, 0);
  });

  it('shares nothing with another one', () => {
    const [one, other] = [new LazyMap<string, number>(), new LazyMap<string, number>()];
    one.set('a', 1);
    assert.equal(other.size, 0);
  });
});

describe('a lazy set', () => {
  it('answers as a Set does, and is empty before and after', () => {
    const set = new LazySet<string>();
    assert.deepEqual([set.size, ...set.members], [0]);
    set.add('a');
    set.add('a');
    set.add('b');
    assert.deepEqual([set.size, ...set.members], [2, 'a', 'b']);
    for (const member of set.members) set.delete(member);
    assert.deepEqual([set.size, ...set.members], [0]);
    set.add('c');
    set.clear();
    assert.deepEqual([set.size, ...set.members], [0]);
  });
});
