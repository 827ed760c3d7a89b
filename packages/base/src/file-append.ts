// Adds bytes to the end of a file, all or none of them.

import { type File, NoSpaceError } from './file-system.ts';

/** Writes `bytes` at `end`, where the file ends. When there is no room for all of them the file ends there afterwards as it did before:
 *  to cut needs no room.
 *  @throws NoSpaceError when nothing was written, any other StorageError when the file may end in rubbish */
export function appendToFile(file: File, bytes: Buffer, end: number): void {
  try {
    file.writeSync(bytes, end);
  } catch (error) {
    if (error instanceof NoSpaceError) file.truncateSync(end);
    throw error;
  }
}
