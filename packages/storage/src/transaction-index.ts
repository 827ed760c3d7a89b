// `.txnindex`: aborted transactions whose last record lies in the segment. Exists only where there are any.
//
//   entry: | version int16 = 0 | producerId int64 | firstOffset int64 | lastOffset int64 | lastStableOffset int64 |   34 bytes
//
// Source: Kafka's TransactionIndex and AbortedTxn (3.9).

import { appendToFile, assert, type File, type FileSystem } from '@ottla/base';
import { CorruptIndexError } from './abstract-index.ts';

const ENTRY_SIZE = 34;
const CURRENT_VERSION = 0;

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Of the abort marker. */
  readonly lastOffset: number;
  /** Of the log after the abort: what comes before may be read without looking further. */
  readonly lastStableOffset: number;
}

export class TransactionIndex {
  path: string;
  readonly #baseOffset: number;
  readonly #fileSystem: FileSystem;
  #file: File | undefined;
  #sizeInBytes: number;
  /** Changed since the last sync, whether the file is open or not. */
  #isDirty = false;
  /** The last entry's; undefined: not looked up yet. */
  #lastOffset: number | undefined;

  constructor(fileSystem: FileSystem, options: { path: string; baseOffset: number }) {
    this.#fileSystem = fileSystem;
    this.path = options.path;
    this.#baseOffset = options.baseOffset;
    this.#sizeInBytes = fileSystem.statSync(options.path)?.sizeInBytes ?? 0;
  }

  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /** @throws NoSpaceError when nothing was written */
  append(transaction: AbortedTransaction): void {
    this.#lastOffset ??= this.all().at(-1)?.lastOffset ?? -1;
    assert(
      this.#lastOffset < transaction.lastOffset,
      `a transaction that ended at ${transaction.lastOffset} is not behind ${this.#lastOffset} in ${this.path}`,
    );
    this.#isDirty = true;
    appendToFile(this.#openFile(), encode(transaction), this.#sizeInBytes);
    this.#sizeInBytes += ENTRY_SIZE;
    this.#lastOffset = transaction.lastOffset;
  }

  /** In order of their last offset. @throws CorruptIndexError */
  all(): AbortedTransaction[] {
    if (this.#sizeInBytes === 0) return [];
    const bytes = Buffer.alloc(this.#sizeInBytes - (this.#sizeInBytes % ENTRY_SIZE));
    const count = this.#openFile().readSync(bytes, 0, bytes.length, 0);
    if (count < bytes.length) throw new CorruptIndexError(`${this.path} ended at ${count} of ${bytes.length} bytes`);
    const transactions: AbortedTransaction[] = [];
    for (let position = 0; position < bytes.length; position += ENTRY_SIZE) {
      transactions.push(this.#decode(bytes, position));
    }
    return transactions;
  }

  /** Aborted transactions that overlap [fetchOffset, upperBoundOffset). `isComplete`: later segments cannot add any. */
  collectAborted(
    fetchOffset: number,
    upperBoundOffset: number,
  ): { transactions: AbortedTransaction[]; isComplete: boolean } {
    const transactions: AbortedTransaction[] = [];
    for (const transaction of this.all()) {
      if (transaction.lastOffset >= fetchOffset && transaction.firstOffset < upperBoundOffset) {
        transactions.push(transaction);
      }
      if (transaction.lastStableOffset >= upperBoundOffset) return { transactions, isComplete: true };
    }
    return { transactions, isComplete: false };
  }

  /** Forgets transactions whose last offset is at or above `offset`. */
  truncateTo(offset: number): void {
    const kept = this.all().filter((transaction) => transaction.lastOffset < offset).length;
    this.truncateToSize(kept * ENTRY_SIZE);
  }

  /** Forgets what was appended since it had this size. */
  truncateToSize(sizeInBytes: number): void {
    if (sizeInBytes === this.#sizeInBytes) return;
    this.#isDirty = true;
    this.#openFile().truncateSync(sizeInBytes);
    this.#sizeInBytes = sizeInBytes;
    this.#lastOffset = undefined;
  }

  reset(): void {
    this.truncateToSize(0);
  }

  /** @throws CorruptIndexError */
  sanityCheck(): void {
    if (this.#sizeInBytes % ENTRY_SIZE !== 0) {
      throw new CorruptIndexError(`${this.path} holds ${this.#sizeInBytes % ENTRY_SIZE} bytes behind its last entry`);
    }
    for (const transaction of this.all()) {
      if (transaction.lastOffset < this.#baseOffset) {
        throw new CorruptIndexError(
          `${this.path} holds a transaction that ended at ${transaction.lastOffset}, before ${this.#baseOffset}`,
        );
      }
    }
  }

  async flush(): Promise<void> {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    await this.#openFile().sync();
  }

  flushSync(): void {
    if (!this.#isDirty) return;
    this.#isDirty = false;
    this.#openFile().syncSync();
  }

  close(): void {
    this.#file?.closeSync();
    this.#file = undefined;
  }

  /** Does nothing but remember the name when there is no file. */
  renameTo(path: string): void {
    this.close();
    if (this.#fileSystem.statSync(this.path) !== undefined) this.#fileSystem.renameSync(this.path, path);
    this.path = path;
  }

  deleteIfExists(): boolean {
    this.close();
    return this.#fileSystem.removeFileSync(this.path);
  }

  #decode(bytes: Buffer, position: number): AbortedTransaction {
    const version = bytes.readInt16BE(position);
    if (version > CURRENT_VERSION || version < 0) {
      throw new CorruptIndexError(`${this.path} holds an entry of version ${version} at ${position}`);
    }
    return {
      producerId: Number(bytes.readBigInt64BE(position + 2)),
      firstOffset: Number(bytes.readBigInt64BE(position + 10)),
      lastOffset: Number(bytes.readBigInt64BE(position + 18)),
      lastStableOffset: Number(bytes.readBigInt64BE(position + 26)),
    };
  }

  #openFile(): File {
    this.#file ??= this.#fileSystem.openSync(this.path, 'read-write');
    return this.#file;
  }
}

function encode(transaction: AbortedTransaction): Buffer {
  const bytes = Buffer.alloc(ENTRY_SIZE);
  bytes.writeInt16BE(CURRENT_VERSION, 0);
  bytes.writeBigInt64BE(BigInt(transaction.producerId), 2);
  bytes.writeBigInt64BE(BigInt(transaction.firstOffset), 10);
  bytes.writeBigInt64BE(BigInt(transaction.lastOffset), 18);
  bytes.writeBigInt64BE(BigInt(transaction.lastStableOffset), 26);
  return bytes;
}
