// Who waits to hear of which path. One-shot. Source: org.apache.zookeeper.server.watch.WatchManager (server) and
// org.apache.zookeeper.ZKWatchManager (one function registered in two ways hears of a deletion once).

import type { WatchEvent, Watcher } from '../tree-session.ts';

/** What a watcher waits for: the node itself (`get`, `exists`) or its list of children. */
export type WatchKind = 'data' | 'children';

type WatchesByPath = Map<string, Map<Watcher, bigint>>;

export interface Triggered {
  readonly sessionId: bigint;
  readonly watcher: Watcher;
}

export class WatchManager {
  readonly #data: WatchesByPath = new Map();
  readonly #children: WatchesByPath = new Map();

  add(kind: WatchKind, path: string, watcher: Watcher, sessionId: bigint): void {
    const watches = kind === 'data' ? this.#data : this.#children;
    const ofPath = watches.get(path);
    if (ofPath === undefined) watches.set(path, new Map([[watcher, sessionId]]));
    else ofPath.set(watcher, sessionId);
  }

  /** Takes out and returns those who hear of `event`, in the order they registered. */
  trigger(event: WatchEvent): Triggered[] {
    const hearing = new Map<Watcher, bigint>();
    if (event.type !== 'nodeChildrenChanged') takeInto(hearing, this.#data, event.path);
    if (event.type === 'nodeChildrenChanged' || event.type === 'nodeDeleted')
      takeInto(hearing, this.#children, event.path);
    return [...hearing].map(([watcher, sessionId]) => ({ watcher, sessionId }));
  }

  removeSession(sessionId: bigint): void {
    for (const watches of [this.#data, this.#children]) {
      for (const [path, ofPath] of watches) {
        for (const [watcher, owner] of ofPath) if (owner === sessionId) ofPath.delete(watcher);
        if (ofPath.size === 0) watches.delete(path);
      }
    }
  }
}

function takeInto(hearing: Map<Watcher, bigint>, watches: WatchesByPath, path: string): void {
  const ofPath = watches.get(path);
  if (ofPath === undefined) return;
  watches.delete(path);
  for (const [watcher, sessionId] of ofPath) hearing.set(watcher, sessionId);
}
