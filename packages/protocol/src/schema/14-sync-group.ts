// API key 14: SyncGroup, versions 0-5.

import { api, array, bytes, int16, int32, string, struct } from './dsl.ts';

export const syncGroupSchema = api({
  key: 14,
  name: 'SyncGroup',
  versions: '0-5',
  flexible: '4+',
  request: [
    string('groupId', '0+'),
    int32('generationId', '0+'),
    string('memberId', '0+'),
    string('groupInstanceId', '3+', { nullable: '3+', default: null }),
    string('protocolType', '5+', { nullable: '5+', default: null, ignorable: true }),
    string('protocolName', '5+', { nullable: '5+', default: null, ignorable: true }),
    array(
      'assignments',
      '0+',
      struct('SyncGroupRequestAssignment', [string('memberId', '0+'), bytes('assignment', '0+')]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '1+', { ignorable: true }),
    int16('errorCode', '0+'),
    string('protocolType', '5+', { nullable: '5+', default: null, ignorable: true }),
    string('protocolName', '5+', { nullable: '5+', default: null, ignorable: true }),
    bytes('assignment', '0+'),
  ],
});
