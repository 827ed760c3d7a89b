// The partitions of __consumer_offsets that this broker leads, each with its groups; which of them are being loaded, and at which
// leader epoch. Source: Kafka 3.9 GroupMetadataManager (ownedPartitions, loadingPartitions, epochForPartitionId, openGroupsForProducer).

import type { GroupMetadata } from './group-metadata.ts';

/** One partition this broker coordinates. */
export class CoordinatedPartition {
  readonly partition: number;
  readonly leaderEpoch: number;
  /** Until then its groups are incomplete and nobody may see them. */
  isLoading = true;
  readonly groups = new Map<string, GroupMetadata>();
  /** Producer id → groups that take part in its open transaction. */
  readonly producers = new Map<number, Set<GroupMetadata>>();
  /** Markers that came in while loading: the load may or may not have seen them, and seeing one twice does no harm. */
  readonly markersWhileLoading: { readonly producerId: number; readonly outcome: 'commit' | 'abort' }[] = [];

  constructor(partition: number, leaderEpoch: number) {
    this.partition = partition;
    this.leaderEpoch = leaderEpoch;
  }

  addProducer(producerId: number, group: GroupMetadata): void {
    const groups = this.producers.get(producerId);
    if (groups === undefined) this.producers.set(producerId, new Set([group]));
    else groups.add(group);
  }

  /** Forgets the pair once nothing of the producer's transaction waits in the group. */
  maybeRemoveProducer(producerId: number, group: GroupMetadata): void {
    if (group.offsets.hasPendingTransaction(producerId)) return;
    const groups = this.producers.get(producerId);
    groups?.delete(group);
    if (groups?.size === 0) this.producers.delete(producerId);
  }

  completeTransaction(producerId: number, outcome: 'commit' | 'abort'): void {
    if (this.isLoading) {
      this.markersWhileLoading.push({ producerId, outcome });
      return;
    }
    for (const group of this.producers.get(producerId) ?? []) {
      group.offsets.completeTransaction(producerId, outcome);
      this.maybeRemoveProducer(producerId, group);
    }
  }
}

export class CoordinatedPartitions {
  readonly #partitions = new Map<number, CoordinatedPartition>();
  /** The highest leader epoch heard of, also of partitions that are led elsewhere now. */
  readonly #epochs = new Map<number, number>();

  get(partition: number): CoordinatedPartition | undefined {
    return this.#partitions.get(partition);
  }

  all(): Iterable<CoordinatedPartition> {
    return this.#partitions.values();
  }

  get isLoading(): boolean {
    for (const owned of this.#partitions.values()) if (owned.isLoading) return true;
    return false;
  }

  /** @returns the partition to load; undefined when it is there already or the news are old */
  beginLoading(partition: number, leaderEpoch: number): CoordinatedPartition | undefined {
    if (!this.#isCurrent(partition, leaderEpoch) || this.#partitions.has(partition)) return undefined;
    const owned = new CoordinatedPartition(partition, leaderEpoch);
    this.#partitions.set(partition, owned);
    return owned;
  }

  /** @param leaderEpoch undefined: whatever the epoch, as when the topic is deleted
   *  @returns what was given up; undefined when there was nothing or the news are old */
  resign(partition: number, leaderEpoch: number | undefined): CoordinatedPartition | undefined {
    if (leaderEpoch !== undefined && !this.#isCurrent(partition, leaderEpoch)) return undefined;
    const owned = this.#partitions.get(partition);
    this.#partitions.delete(partition);
    return owned;
  }

  #isCurrent(partition: number, leaderEpoch: number): boolean {
    const known = this.#epochs.get(partition) ?? -1;
    if (leaderEpoch < known) return false;
    this.#epochs.set(partition, leaderEpoch);
    return true;
  }
}
