// The port to where an embedded tree survives: an ordered list of entries, replaced by a snapshot when it has grown.

/** Entries are opaque bytes to the journal. The first is always the start of a snapshot, or there are none. */
export interface TreeJournal {
  /** Every entry that was durable, in order, and maybe the last ones that were not. Cuts off what a crash left half written. */
  open(): Promise<Buffer[]>;
  /** Adds `entries` as one unit: after a crash all of them are there or none. Resolves when they survive a power loss.
   *  @throws NoSpaceError when nothing changed */
  append(entries: readonly Buffer[]): Promise<void>;
  /** Puts `entries` in place of everything, atomically. Resolves when that survives a power loss. @throws NoSpaceError when nothing changed */
  replace(entries: readonly Buffer[]): Promise<void>;
  /** Bytes since the last replace, and bytes of that. */
  readonly appendedBytes: number;
  readonly replacedBytes: number;
  /** Safe to call twice. */
  close(): void;
}

/** Keeps nothing: for trees that live as long as their process. */
export class NoJournal implements TreeJournal {
  readonly appendedBytes = 0;
  readonly replacedBytes = 0;

  async open(): Promise<Buffer[]> {
    return [];
  }

  async append(): Promise<void> {}

  async replace(): Promise<void> {}

  close(): void {}
}
