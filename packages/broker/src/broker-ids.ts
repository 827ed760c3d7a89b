// Lists of broker ids that are kept for each of many partitions.

const NONE: readonly number[] = [];

/** `ids` for keeping. A list that a decoder returns has room to grow, which takes more memory than the ids; where `known` says the same,
 *  as the in-sync replicas mostly do of the replicas, it stands for both. */
export function kept(ids: readonly number[], known: readonly number[] = NONE): readonly number[] {
  if (ids.length === 0) return NONE;
  const isKnown = ids.length === known.length && ids.every((id, index) => id === known[index]);
  return isKnown ? known : ids.slice();
}
