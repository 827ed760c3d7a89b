import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock, MemoryFileSystem } from '@ottla/base';
import { parseProperties, readPropertiesFile } from './properties-file.ts';
import { startSettings } from './start-settings.ts';

test('a properties file is read as Java reads it', () => {
  const text =
    '# comment\n! another\na=1\n b : 2 \nc 3\nlong=x,\\\n   y\nuni=\\u0041\na=4\nempty=\n__proto__=p\npath=C:\\\\x\n';
  assert.deepEqual(
    [...parseProperties(text)],
    [
      ['a', '4'],
      ['b', '2 '],
      ['c', '3'],
      ['long', 'x,y'],
      ['uni', 'A'],
      ['empty', ''],
      ['__proto__', 'p'],
      ['path', 'C:\\x'],
    ],
  );
});

test('a file that is not there is named', () => {
  assert.throws(
    () => readPropertiesFile(new MemoryFileSystem(), '/x.properties'),
    /settings were to come from \/x\.properties, and there is no such file/,
  );
});

test('a new directory belongs to broker 0, an existing one to whom it says, unless an id is given', () => {
  const fileSystem = new MemoryFileSystem({ clock: new FakeClock() });
  const idOf = (dataDir: string, given: [string, string][] = []) =>
    startSettings(fileSystem, { listeners: 'PLAINTEXT://:0', dataDir, given: new Map(given) }).get('broker.id');
  assert.equal(idOf('/new'), '0');
  assert.equal(idOf('/new', [['node.id', '9']]), undefined);
  fileSystem.makeDirectorySync('/old');
  const file = fileSystem.openSync('/old/meta.properties', 'create');
  file.writeSync(Buffer.from('version=0\nbroker.id=1\ncluster.id=c\n'), 0);
  file.closeSync();
  assert.equal(idOf('/old'), undefined);
  assert.equal(idOf('/new', [['log.dirs', '/other,/old']]), undefined);
});
