// A control record of the Raft log: KRaftVersionRecord.

import { int16, message } from '../dsl.ts';

export const kRaftVersionRecordSchema = message({
  name: 'KRaftVersionRecord',
  versions: '0',
  flexible: '0+',
  fields: [int16('version', '0+'), int16('kRaftVersion', '0+')],
});
