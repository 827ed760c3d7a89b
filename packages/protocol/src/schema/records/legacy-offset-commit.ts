// Records of __consumer_offsets: LegacyOffsetCommitKey and LegacyOffsetCommitValue.

import { int32, message, safeInt64, string } from '../dsl.ts';

export const legacyOffsetCommitKeySchema = message({
  name: 'LegacyOffsetCommitKey',
  versions: '0',
  flexible: 'none',
  fields: [string('group', '0+'), string('topic', '0+'), int32('partition', '0+')],
});

export const legacyOffsetCommitValueSchema = message({
  name: 'LegacyOffsetCommitValue',
  versions: '0',
  flexible: 'none',
  fields: [safeInt64('offset', '0+'), string('metadata', '0+'), safeInt64('commitTimestamp', '0+')],
});
