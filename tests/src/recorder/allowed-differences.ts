// Where our broker's answers differ from Kafka 3.9.1's, and why they must. An entry that allows nothing any more fails the test.

import type { AllowedDifference } from './compare.ts';

export const ALLOWED_DIFFERENCES: readonly AllowedDifference[] = [];
