// A control record of the Raft log: VotersRecord.

import { array, int16, int32, message, object, string, struct, uint16, uuid } from '../dsl.ts';

export const votersRecordSchema = message({
  name: 'VotersRecord',
  versions: '0',
  flexible: '0+',
  fields: [
    int16('version', '0+'),
    array(
      'voters',
      '0+',
      struct('Voter', [
        int32('voterId', '0+'),
        uuid('voterDirectoryId', '0+'),
        array(
          'endpoints',
          '0+',
          struct('Endpoint', [string('name', '0+'), string('host', '0+'), uint16('port', '0+')]),
        ),
        object(
          'kRaftVersionFeature',
          '0+',
          struct('KRaftVersionFeature', [int16('minSupportedVersion', '0+'), int16('maxSupportedVersion', '0+')]),
        ),
      ]),
    ),
  ],
});
