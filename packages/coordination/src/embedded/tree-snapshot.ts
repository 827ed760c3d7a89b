// The tree as journal entries, and back: a header, one entry a node (parents first), then the transactions since.
// {"type":"snapshot","zxid":"7","nodeCount":2} {"type":"node","path":"/",…} {"type":"node","path":"/a",…} {"type":"transaction",…} …

import {
  aclFromJson,
  bigintFrom,
  dataFromJson,
  dataToJson,
  numberFrom,
  objectFrom,
  stringFrom,
  TreeFormatError,
  transactionFromJson,
} from '../tree-transaction.ts';
import { type Znode, ZnodeTree } from '../znode-tree.ts';

type Json = Readonly<Record<string, unknown>>;

export function encodeSnapshot(tree: ZnodeTree): Buffer[] {
  const nodes = [...tree.nodes()];
  const header = { type: 'snapshot', zxid: String(tree.lastZxid), nodeCount: nodes.length };
  return [Buffer.from(JSON.stringify(header)), ...nodes.map(encodeNode)];
}

function encodeNode(node: Znode): Buffer {
  const { path, acl, ctimeMs, mtimeMs, version, aversion, createdChildCount } = node;
  const ids = {
    czxid: String(node.czxid),
    mzxid: String(node.mzxid),
    pzxid: String(node.pzxid),
    ephemeralOwner: String(node.ephemeralOwner),
  };
  const numbers = { ctimeMs, mtimeMs, version, aversion, createdChildCount };
  return Buffer.from(JSON.stringify({ type: 'node', path, ...dataToJson(node.data), acl, ...numbers, ...ids }));
}

/** The tree that `entries` tell of. @throws TreeFormatError when they do not start with a whole snapshot or do not fit together */
export function treeFromEntries(entries: readonly Buffer[]): ZnodeTree {
  const tree = new ZnodeTree();
  if (entries.length === 0) return tree;
  const [header, ...rest] = entries.map(parseEntry);
  if (header?.type !== 'snapshot') throw new TreeFormatError('a journal starts with a snapshot');
  const nodeCount = numberFrom(header.nodeCount, 'nodeCount');
  if (rest.length < nodeCount) throw new TreeFormatError(`a snapshot of ${nodeCount} nodes has ${rest.length}`);
  for (const json of rest.slice(0, nodeCount)) tree.restore(nodeFromJson(json));
  tree.restoreLastZxid(bigintFrom(header.zxid, 'zxid'));
  for (const json of rest.slice(nodeCount)) replayEntry(tree, json);
  return tree;
}

function replayEntry(tree: ZnodeTree, json: Json): void {
  if (json.type !== 'transaction') throw new TreeFormatError('expected a transaction');
  const transaction = transactionFromJson(json);
  if (transaction.zxid <= tree.lastZxid) {
    throw new TreeFormatError(`transaction ${transaction.zxid} follows ${tree.lastZxid}`);
  }
  tree.replay(transaction);
}

function parseEntry(entry: Buffer): Json {
  try {
    return objectFrom(JSON.parse(entry.toString('utf8')), 'journal entry');
  } catch (error) {
    if (error instanceof TreeFormatError) throw error;
    throw new TreeFormatError('a journal entry is not JSON', { cause: error });
  }
}

function nodeFromJson(json: Json): Omit<Znode, 'childNames'> {
  if (json.type !== 'node') throw new TreeFormatError('expected a node');
  return {
    path: stringFrom(json.path, 'path'),
    data: dataFromJson(json),
    acl: aclFromJson(json.acl),
    czxid: bigintFrom(json.czxid, 'czxid'),
    mzxid: bigintFrom(json.mzxid, 'mzxid'),
    pzxid: bigintFrom(json.pzxid, 'pzxid'),
    ctimeMs: numberFrom(json.ctimeMs, 'ctimeMs'),
    mtimeMs: numberFrom(json.mtimeMs, 'mtimeMs'),
    version: numberFrom(json.version, 'version'),
    aversion: numberFrom(json.aversion, 'aversion'),
    createdChildCount: numberFrom(json.createdChildCount, 'createdChildCount'),
    ephemeralOwner: bigintFrom(json.ephemeralOwner, 'ephemeralOwner'),
  };
}
