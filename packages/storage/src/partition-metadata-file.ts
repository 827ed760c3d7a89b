// `partition.metadata`: which topic id a partition's directory belongs to, so that a topic deleted and created again is told apart.
//
//   version: 0
//   topic_id: zHg53uw7RMC4hcbDG1s3Vw
//
// Source: Kafka's PartitionMetadataFile (KIP-516), which ends without a line end.

import { type FileSystem, type Uuid, uuidToBytes, ZERO_UUID } from '@ottla/base';
import { CheckpointFormatError, readFileIfExists, replaceFileSync, syncFile } from './checkpoint-file.ts';

export const PARTITION_METADATA_FILE = 'partition.metadata';

export class PartitionMetadataFile {
  #path: string;
  readonly #fileSystem: FileSystem;
  /** Written without a sync. */
  #isVolatile = false;

  constructor(fileSystem: FileSystem, path: string) {
    this.#fileSystem = fileSystem;
    this.#path = path;
  }

  get path(): string {
    return this.#path;
  }

  /** Not durable until `flush`: creating many partitions must not wait for the disk as many times. @throws NoSpaceError when nothing changed */
  write(topicId: Uuid): void {
    const text = `version: 0\ntopic_id: ${topicId}`;
    replaceFileSync(this.#fileSystem, this.path, Buffer.from(text), { durable: false });
    this.#isVolatile = true;
  }

  /** After this the file survives a power loss, once its directory is synced. */
  async flush(): Promise<void> {
    if (!this.#isVolatile) return;
    this.#isVolatile = false;
    await syncFile(this.#fileSystem, this.path);
  }

  /** The directory was renamed. */
  movedTo(directory: string): void {
    this.#path = `${directory}/${PARTITION_METADATA_FILE}`;
  }

  /** @returns undefined when there is no file, or an empty one: a power loss came before the first flush.
   *  @throws CheckpointFormatError */
  read(): Uuid | undefined {
    const bytes = readFileIfExists(this.#fileSystem, this.path);
    if (bytes === undefined || bytes.length === 0) return undefined;
    const text = bytes.toString('utf8');
    const match = /^version: (\d+)\r?\ntopic_id: (\S+)\s*$/.exec(text);
    const topicId = match?.[2];
    if (match?.[1] !== '0' || topicId === undefined) {
      throw new CheckpointFormatError(this.path, `not version 0 and a topic id: ${JSON.stringify(text.slice(0, 100))}`);
    }
    try {
      uuidToBytes(topicId);
    } catch {
      throw new CheckpointFormatError(this.path, `${JSON.stringify(topicId)} is not a topic id`);
    }
    if (topicId === ZERO_UUID) throw new CheckpointFormatError(this.path, 'the topic id is zero');
    return topicId;
  }
}
