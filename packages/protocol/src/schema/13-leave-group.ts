// API key 13: LeaveGroup, versions 0-5.

import { api, array, int16, int32, string, struct } from './dsl.ts';

export const leaveGroupSchema = api({
  key: 13,
  name: 'LeaveGroup',
  versions: '0-5',
  flexible: '4+',
  request: [
    string('groupId', '0+'),
    string('memberId', '0-2'),
    array(
      'members',
      '3+',
      struct('MemberIdentity', [
        string('memberId', '3+'),
        string('groupInstanceId', '3+', { nullable: '3+', default: null }),
        string('reason', '5+', { nullable: '5+', default: null, ignorable: true }),
      ]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '1+', { ignorable: true }),
    int16('errorCode', '0+'),
    array(
      'members',
      '3+',
      struct('MemberResponse', [
        string('memberId', '3+'),
        string('groupInstanceId', '3+', { nullable: '3+' }),
        int16('errorCode', '3+'),
      ]),
    ),
  ],
});
