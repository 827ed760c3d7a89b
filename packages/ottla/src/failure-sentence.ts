// Why a start failed, in one sentence for the person who tried.

import { AssertionFailedError, StorageError } from '@ottla/base';

/** One line. */
export function failureSentence(error: unknown): string {
  return sentenceOf(error).replaceAll(/\s*\n\s*/g, ' ');
}

/** Did something happen that nobody foresaw? Then a stack helps more than a sentence. */
export function isUnforeseen(error: unknown): boolean {
  return error instanceof AssertionFailedError || error instanceof TypeError || error instanceof ReferenceError;
}

function sentenceOf(error: unknown): string {
  if (error instanceof StorageError) return storageSentence(error);
  return error instanceof Error ? error.message : String(error);
}

function storageSentence(error: StorageError): string {
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `this user may not write to ${error.path}`;
    case 'ENOSPC':
      return `the disk that holds ${error.path} is full`;
    default:
      return error.message;
  }
}
