// Which texts are paths of znodes. Source: org.apache.zookeeper.common.PathUtils.validatePath.

import { TreeError } from './tree-error.ts';

/** The parent of `path`; '/' for a top-level node. `path` is valid and not '/'. */
export function parentPath(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash <= 0 ? '/' : path.slice(0, slash);
}

/** The last name of `path`. */
export function nodeName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** @param isSequential the tree will append digits, so the path may end in a slash
 *  @throws TreeError BADARGUMENTS */
export function validatePath(path: string, isSequential = false): void {
  const checked = isSequential ? `${path}1` : path;
  if (!checked.startsWith('/')) refuse(path, 'a path starts with /');
  if (checked === '/') return;
  if (checked.endsWith('/')) refuse(path, 'a path does not end with /');
  for (const name of checked.slice(1).split('/')) {
    if (name === '') refuse(path, 'empty node name');
    if (name === '.' || name === '..') refuse(path, 'relative paths are not allowed');
  }
  for (let i = 0; i < checked.length; i++) {
    if (isForbidden(checked.charCodeAt(i))) refuse(path, `invalid character at ${i}`);
  }
}

/** Control characters, surrogates and the private use area, and specials (UTF-16 code units, as ZooKeeper tests them). */
function isForbidden(unit: number): boolean {
  return (
    unit <= 0x1f ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xf8ff) ||
    (unit >= 0xfff0 && unit <= 0xffff)
  );
}

function refuse(path: string, detail: string): never {
  throw new TreeError('BADARGUMENTS', { path: JSON.stringify(path), detail });
}
