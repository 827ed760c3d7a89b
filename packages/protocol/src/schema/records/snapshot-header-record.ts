// A control record of the Raft log: SnapshotHeaderRecord.

import { int16, message, safeInt64 } from '../dsl.ts';

export const snapshotHeaderRecordSchema = message({
  name: 'SnapshotHeaderRecord',
  versions: '0',
  flexible: '0+',
  fields: [int16('version', '0+'), safeInt64('lastContainedLogTimestamp', '0+')],
});
