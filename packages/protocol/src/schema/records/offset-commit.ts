// Records of __consumer_offsets: OffsetCommitKey and OffsetCommitValue.

import { int32, message, safeInt64, string, uuid } from '../dsl.ts';

export const offsetCommitKeySchema = message({
  name: 'OffsetCommitKey',
  versions: '0-1',
  flexible: 'none',
  fields: [string('group', '0+'), string('topic', '0+'), int32('partition', '0+')],
});

export const offsetCommitValueSchema = message({
  name: 'OffsetCommitValue',
  versions: '0-4',
  flexible: '4+',
  fields: [
    safeInt64('offset', '0+'),
    int32('leaderEpoch', '3+', { default: -1, ignorable: true }),
    string('metadata', '0+'),
    safeInt64('commitTimestamp', '0+'),
    safeInt64('expireTimestamp', '1', { default: -1, ignorable: true }),
    uuid('topicId', '4+', { ignorable: true, tag: 0 }),
  ],
});
