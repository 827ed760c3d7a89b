// The one assertion of scenario tests.

import assert from 'node:assert/strict';
import type { GroupCoordinatorConfig } from '../group-config.ts';
import { normalTranscript, playTranscript } from './group-scenario.ts';

/** Plays the transcript's commands and compares everything that came of them. */
export function plays(transcript: string, config?: Partial<GroupCoordinatorConfig>): void {
  assert.equal(playTranscript(transcript, config), normalTranscript(transcript));
}
