// Reads a .properties file, as Java does: escapes, continuation lines, comments; the last of two equal keys wins.

import { ConfigError, type FileSystem, StorageError } from '@ottla/base';
import { parseLines } from 'dot-properties';

/** @throws ConfigError in a sentence when there is no such file */
export function readPropertiesFile(fileSystem: FileSystem, path: string): Map<string, string> {
  try {
    return parseProperties(fileSystem.readFileSync(path).toString('latin1'));
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const why = error.code === 'ENOENT' ? 'there is no such file' : `it cannot be read (${error.code})`;
    throw new ConfigError(`settings were to come from ${path}, and ${why}`, { cause: error });
  }
}

/** Keys and values by a parser that keeps lines apart: a key is data, and may be called __proto__. */
export function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of parseLines(text)) {
    if (Array.isArray(line) && typeof line[0] === 'string') properties.set(line[0], line[1] ?? '');
  }
  return properties;
}
