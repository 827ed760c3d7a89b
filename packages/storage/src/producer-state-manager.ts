// What a partition knows of its producers and their transactions: who may append next, where the first transaction begins that is
// not decided yet, and snapshots of it on disk. Source: Kafka's ProducerStateManager (3.9).
//
//   mapEndOffset: the log up to here is reflected in the map.   lastSnapshotOffset: … in the newest snapshot.

import { type Clock, Errors, type FileSystem, KafkaError, LazyMap, LazySet, type Logger } from '@ottla/base';
import type { AppendOrigin, RecordBatch } from '@ottla/records';
import { replaceFileSync, syncFile } from './checkpoint-file.ts';
import { filenamePrefixFromOffset, offsetFromFileName, PRODUCER_SNAPSHOT_SUFFIX } from './log-file-names.ts';
import type { LogOffsetMetadata } from './log-offset-metadata.ts';
import { type CompletedTransaction, type OngoingTransaction, ProducerAppendInfo } from './producer-append-info.ts';
import { CorruptSnapshotError, encodeProducerSnapshot, readProducerSnapshot } from './producer-snapshot.ts';
import type { ProducerStateEntry } from './producer-state-entry.ts';

export interface ProducerStateManagerOptions {
  readonly fileSystem: FileSystem;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Of the partition. */
  readonly directory: string;
  /** What is in the directory, where it was listed just now. */
  readonly listed?: readonly string[] | undefined;
  /** For messages. */
  readonly partition: string;
  /** transaction.max.timeout.ms and five minutes: an older open transaction hangs. */
  readonly maxTransactionTimeoutMs: number;
  /** producer.id.expiration.ms; read at each check, since it may change. */
  readonly producerIdExpirationMs: () => number;
  /** How many producers may be remembered; the next one is refused. */
  readonly producerIdsMax?: number;
}

/** A first write of a transaction that is being verified with its coordinator (KIP-890). */
interface VerificationState {
  readonly guard: VerificationGuard;
  readonly producerEpoch: number;
  lowestSequence: number;
  readonly sinceMs: number;
}

/** Stands for one verification: only the append that carries it may open the transaction. */
export class VerificationGuard {}

const LATE_TRANSACTION_BUFFER_MS = 5 * 60 * 1000;
const PRODUCER_IDS_MAX = 1_000_000;
const SEQUENCE_MAX = 0x7fffffff;

export class ProducerStateManager {
  readonly #options: Omit<ProducerStateManagerOptions, 'listed'>;
  #directory: string;
  readonly #producers = new LazyMap<number, ProducerStateEntry>();
  /** By their first offset. */
  readonly #ongoingTransactions = new LazyMap<number, OngoingTransaction>();
  /** Ended, but their marker is not yet below the high watermark. By first offset; `lastOffset` is the marker's. */
  readonly #unreplicatedTransactions = new LazyMap<number, OngoingTransaction & { readonly lastOffset: number }>();
  readonly #verifications = new LazyMap<number, VerificationState>();
  /** Offsets of the snapshot files, ascending. */
  #snapshots: number[];
  #lastMapOffset = 0;
  #lastSnapshotOffset = 0;
  /** Snapshots written without a sync. */
  readonly #volatileSnapshots = new LazySet<number>();

  constructor({ listed, ...options }: ProducerStateManagerOptions) {
    this.#options = options;
    this.#directory = options.directory;
    this.#snapshots = this.#listSnapshots(listed);
  }

  get mapEndOffset(): number {
    return this.#lastMapOffset;
  }

  get isEmpty(): boolean {
    return this.#producers.size === 0 && this.#unreplicatedTransactions.size === 0;
  }

  /** By producer id. */
  get activeProducers(): ReadonlyMap<number, ProducerStateEntry> {
    return this.#producers.entries;
  }

  get producerCount(): number {
    return this.#producers.size;
  }

  get latestSnapshotOffset(): number | undefined {
    return this.#snapshots[this.#snapshots.length - 1];
  }

  get oldestSnapshotOffset(): number | undefined {
    return this.#snapshots[0];
  }

  /** Where the first transaction begins that is undecided, or whose decision is not replicated. */
  get firstUnstableOffset(): LogOffsetMetadata | undefined {
    if (this.#ongoingTransactions.size === 0 && this.#unreplicatedTransactions.size === 0) return undefined;
    let first: LogOffsetMetadata | undefined;
    for (const transaction of this.#ongoingTransactions.entries.values()) {
      if (first === undefined || transaction.firstOffset.messageOffset < first.messageOffset) {
        first = transaction.firstOffset;
      }
    }
    for (const transaction of this.#unreplicatedTransactions.entries.values()) {
      if (first === undefined || transaction.firstOffset.messageOffset < first.messageOffset) {
        first = transaction.firstOffset;
      }
    }
    return first;
  }

  lastEntry(producerId: number): ProducerStateEntry | undefined {
    return this.#producers.get(producerId);
  }

  /** Is there a transaction older than any may be (transaction.max.timeout.ms and a margin)? */
  hasLateTransaction(nowMs: number): boolean {
    const latest = nowMs - this.#options.maxTransactionTimeoutMs - LATE_TRANSACTION_BUFFER_MS;
    for (const transaction of this.#ongoingTransactions.entries.values()) {
      const entry = this.#producers.get(transaction.producerId);
      if (entry !== undefined && entry.lastTimestamp > 0 && entry.lastTimestamp < latest) return true;
    }
    return false;
  }

  prepareUpdate(producerId: number, origin: AppendOrigin): ProducerAppendInfo {
    const current = this.#producers.get(producerId);
    if (current === undefined && origin === 'client') this.#ensureRoom();
    return new ProducerAppendInfo({
      partition: this.#options.partition,
      producerId,
      current,
      origin,
      logger: this.#options.logger,
      lowestVerifiedSequence: this.#verifications.get(producerId)?.lowestSequence,
    });
  }

  /** Takes over what an append that succeeded collected. */
  update(appendInfo: ProducerAppendInfo): void {
    const { producerId, updatedEntry } = appendInfo;
    const current = this.#producers.get(producerId);
    if (current === undefined) this.#producers.set(producerId, updatedEntry);
    else current.update(updatedEntry);
    for (const transaction of appendInfo.startedTransactions) {
      this.#ongoingTransactions.set(transaction.firstOffset.messageOffset, transaction);
    }
    if (appendInfo.startedTransactions.length > 0) this.#verifications.delete(producerId);
  }

  updateMapEndOffset(offset: number): void {
    this.#lastMapOffset = offset;
  }

  /** Where transactions begin that are not decided. */
  get ongoingTransactionOffsets(): Iterable<number> {
    return this.#ongoingTransactions.entries.keys();
  }

  /** What the last stable offset will be when `transaction` is completed, as its index entry notes it. */
  lastStableOffset(transaction: CompletedTransaction): number {
    let first: number | undefined;
    for (const offset of this.#ongoingTransactions.entries.keys()) {
      if (offset !== transaction.firstOffset && (first === undefined || offset < first)) first = offset;
    }
    return first ?? transaction.lastOffset + 1;
  }

  completeTransaction(transaction: CompletedTransaction): void {
    const ongoing = this.#ongoingTransactions.get(transaction.firstOffset);
    if (ongoing === undefined) {
      throw new RangeError(
        `${this.#options.partition}: completed a transaction at ${transaction.firstOffset} that was not begun`,
      );
    }
    this.#ongoingTransactions.delete(transaction.firstOffset);
    this.#unreplicatedTransactions.set(transaction.firstOffset, { ...ongoing, lastOffset: transaction.lastOffset });
  }

  /** Decisions below the high watermark are final. */
  onHighWatermarkUpdated(highWatermark: number): void {
    if (this.#unreplicatedTransactions.size === 0) return;
    for (const [firstOffset, transaction] of this.#unreplicatedTransactions.entries) {
      if (transaction.lastOffset < highWatermark) this.#unreplicatedTransactions.delete(firstOffset);
    }
  }

  // Snapshots.

  /** Writes one at the map's end, unless the newest is that far. Not durable until `flushSnapshots`.
   *  @returns whether it wrote one. @throws NoSpaceError */
  takeSnapshot(): boolean {
    if (this.#lastMapOffset <= this.#lastSnapshotOffset) return false;
    const offset = this.#lastMapOffset;
    const bytes = encodeProducerSnapshot(this.#producers.entries.values());
    replaceFileSync(this.#options.fileSystem, this.#snapshotPath(offset), bytes, { durable: false });
    this.#volatileSnapshots.add(offset);
    if (!this.#snapshots.includes(offset)) {
      this.#snapshots.push(offset);
      this.#snapshots.sort((a, b) => a - b);
    }
    this.#lastSnapshotOffset = offset;
    return true;
  }

  /** Writes one at `offset`, up to which there is nothing that is not in the map. @throws NoSpaceError when nothing changed */
  takeSnapshotAt(offset: number): void {
    const mapEndOffset = this.#lastMapOffset;
    this.#lastMapOffset = offset;
    try {
      this.takeSnapshot();
    } catch (error) {
      this.#lastMapOffset = mapEndOffset;
      throw error;
    }
  }

  /** Nothing comes at `offset` after all. @param mapEndOffset where the log ends */
  takeBackSnapshotAt(offset: number, mapEndOffset: number): void {
    this.#removeSnapshot(offset);
    this.#lastMapOffset = mapEndOffset;
    this.#lastSnapshotOffset = this.latestSnapshotOffset ?? 0;
  }

  /** After this all snapshots survive a power loss, once their directory is synced. @returns whether there was anything to do */
  async flushSnapshots(): Promise<boolean> {
    if (this.#volatileSnapshots.size === 0) return false;
    for (const offset of [...this.#volatileSnapshots.members]) {
      this.#volatileSnapshots.delete(offset);
      await syncFile(this.#options.fileSystem, this.#snapshotPath(offset));
    }
    return true;
  }

  /** Drops snapshots outside (logStartOffset, logEndOffset], and, unless the map ends exactly there, reads the newest that is left. */
  truncateAndReload(logStartOffset: number, logEndOffset: number, nowMs: number): void {
    for (const offset of [...this.#snapshots]) {
      if (offset > logEndOffset || offset <= logStartOffset) this.#removeSnapshot(offset);
    }
    if (logEndOffset === this.#lastMapOffset) {
      this.onLogStartOffsetIncremented(logStartOffset);
      return;
    }
    this.#clear();
    this.#loadFromSnapshot(logStartOffset, nowMs);
  }

  onLogStartOffsetIncremented(logStartOffset: number): void {
    for (const [firstOffset, transaction] of this.#unreplicatedTransactions.entries) {
      if (transaction.lastOffset < logStartOffset) this.#unreplicatedTransactions.delete(firstOffset);
    }
    if (this.#lastMapOffset < logStartOffset) this.#lastMapOffset = logStartOffset;
    this.#lastSnapshotOffset = this.latestSnapshotOffset ?? logStartOffset;
  }

  /** Forgets everything; the log is empty and begins at `offset`. */
  truncateFullyAndStartAt(offset: number): void {
    this.#clear();
    for (const snapshot of [...this.#snapshots]) this.#removeSnapshot(snapshot);
    this.#lastSnapshotOffset = 0;
    this.#lastMapOffset = offset;
  }

  deleteSnapshotsBefore(offset: number): void {
    for (const snapshot of [...this.#snapshots]) if (snapshot < offset) this.#removeSnapshot(snapshot);
  }

  /** The segment that began at `offset` is gone, and with it the snapshot of that moment. */
  deleteSnapshotAt(offset: number): void {
    if (this.#snapshots.includes(offset)) this.#removeSnapshot(offset);
  }

  /** Keeps snapshots of segment boundaries and the newest. Source: ProducerStateManager.removeStraySnapshots */
  removeStraySnapshots(segmentBaseOffsets: readonly number[]): void {
    const bases = new Set(segmentBaseOffsets);
    const newestBase = segmentBaseOffsets.at(-1) ?? 0;
    const strays = this.#snapshots.filter((offset) => !bases.has(offset));
    const newestStray = strays.at(-1);
    for (const offset of strays) {
      if (offset !== newestStray || offset < newestBase) this.#removeSnapshot(offset);
    }
  }

  /** @returns how many producers were forgotten */
  removeExpiredProducers(nowMs: number): number {
    let count = 0;
    for (const [producerId, entry] of this.#producers.entries) {
      if (!this.#isExpired(entry, nowMs)) continue;
      this.#producers.delete(producerId);
      count++;
    }
    for (const [producerId, verification] of this.#verifications.entries) {
      if (nowMs - verification.sinceMs >= this.#options.producerIdExpirationMs())
        this.#verifications.delete(producerId);
    }
    return count;
  }

  // Verification of a transaction's first write (KIP-890).

  /** The guard to verify under. undefined: the producer's transaction is open here already, nothing is to be verified. */
  maybeStartVerification(producerId: number, sequence: number, producerEpoch: number): VerificationGuard | undefined {
    if (this.hasOngoingTransaction(producerId)) return undefined;
    const known = this.#verifications.get(producerId);
    if (known !== undefined && known.producerEpoch === producerEpoch) {
      if (isSequenceBefore(sequence, known.lowestSequence)) known.lowestSequence = sequence;
      return known.guard;
    }
    const guard = new VerificationGuard();
    const sinceMs = this.#options.clock.nowMs();
    this.#verifications.set(producerId, { guard, producerEpoch, lowestSequence: sequence, sinceMs });
    return guard;
  }

  verificationGuardOf(producerId: number): VerificationGuard | undefined {
    return this.#verifications.get(producerId)?.guard;
  }

  clearVerification(producerId: number): void {
    this.#verifications.delete(producerId);
  }

  hasOngoingTransaction(producerId: number): boolean {
    return this.#producers.get(producerId)?.currentTxnFirstOffset !== undefined;
  }

  /** The directory was renamed. */
  movedTo(directory: string): void {
    this.#directory = directory;
  }

  #ensureRoom(): void {
    if (this.#producers.size < (this.#options.producerIdsMax ?? PRODUCER_IDS_MAX)) return;
    const nowMs = this.#options.clock.nowMs();
    if (this.removeExpiredProducers(nowMs) > 0) return;
    throw new KafkaError(
      Errors.POLICY_VIOLATION,
      `${this.#options.partition} remembers ${this.#producers.size} producers, the most it may`,
    );
  }

  #isExpired(entry: ProducerStateEntry, nowMs: number): boolean {
    if (entry.currentTxnFirstOffset !== undefined) return false;
    return nowMs - entry.lastTimestamp >= this.#options.producerIdExpirationMs();
  }

  #clear(): void {
    this.#producers.clear();
    this.#ongoingTransactions.clear();
    this.#unreplicatedTransactions.clear();
  }

  #loadFromSnapshot(logStartOffset: number, nowMs: number): void {
    for (let offset = this.latestSnapshotOffset; offset !== undefined; offset = this.latestSnapshotOffset) {
      try {
        for (const entry of readProducerSnapshot(this.#options.fileSystem, this.#snapshotPath(offset))) {
          if (!this.#isExpired(entry, nowMs)) this.#load(entry);
        }
        this.#lastSnapshotOffset = offset;
        this.#lastMapOffset = offset;
        return;
      } catch (error) {
        if (!(error instanceof CorruptSnapshotError)) throw error;
        this.#options.logger.warn('a producer snapshot is unusable, trying an older one', { problem: error.message });
        this.#removeSnapshot(offset);
      }
    }
    this.#lastSnapshotOffset = logStartOffset;
    this.#lastMapOffset = logStartOffset;
  }

  #load(entry: ProducerStateEntry): void {
    this.#producers.set(entry.producerId, entry);
    if (entry.currentTxnFirstOffset === undefined) return;
    const firstOffset = {
      messageOffset: entry.currentTxnFirstOffset,
      segmentBaseOffset: -1,
      relativePositionInSegment: 0,
    };
    this.#ongoingTransactions.set(entry.currentTxnFirstOffset, { producerId: entry.producerId, firstOffset });
  }

  #listSnapshots(listed: readonly string[] = this.#names()): number[] {
    const names = listed.filter((name) => name.endsWith(PRODUCER_SNAPSHOT_SUFFIX));
    return names
      .map(offsetFromFileName)
      .filter((offset) => offset !== undefined)
      .toSorted((a, b) => a - b);
  }

  #names(): string[] {
    const { fileSystem } = this.#options;
    return fileSystem.statSync(this.#directory) === undefined ? [] : fileSystem.readDirectorySync(this.#directory);
  }

  #removeSnapshot(offset: number): void {
    this.#options.fileSystem.removeFileSync(this.#snapshotPath(offset));
    this.#volatileSnapshots.delete(offset);
    this.#snapshots = this.#snapshots.filter((each) => each !== offset);
  }

  #snapshotPath(offset: number): string {
    return `${this.#directory}/${filenamePrefixFromOffset(offset)}${PRODUCER_SNAPSHOT_SUFFIX}`;
  }
}

/** Is `sequence` before `other` on the ring [0, 2^31)? */
function isSequenceBefore(sequence: number, other: number): boolean {
  return sequence < other ? other - sequence <= SEQUENCE_MAX / 2 : sequence - other > SEQUENCE_MAX / 2;
}

/** Applies a batch that is in the log already. @returns the transaction it ends */
export function replayBatch(manager: ProducerStateManager, batch: RecordBatch): CompletedTransaction | undefined {
  if (!batch.hasProducerId) return undefined;
  const appendInfo = manager.prepareUpdate(batch.producerId, 'replication');
  const completed = appendInfo.append(batch);
  manager.update(appendInfo);
  return completed;
}
