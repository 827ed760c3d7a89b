// A control record of the Raft log: SnapshotFooterRecord.

import { int16, message } from '../dsl.ts';

export const snapshotFooterRecordSchema = message({
  name: 'SnapshotFooterRecord',
  versions: '0',
  flexible: '0+',
  fields: [int16('version', '0+')],
});
