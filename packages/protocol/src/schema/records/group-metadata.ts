// Records of __consumer_offsets: GroupMetadataKey and GroupMetadataValue.

import { array, bytes, int32, message, safeInt64, string, struct } from '../dsl.ts';

export const groupMetadataKeySchema = message({
  name: 'GroupMetadataKey',
  versions: '0,2',
  flexible: 'none',
  fields: [string('group', '0+')],
});

export const groupMetadataValueSchema = message({
  name: 'GroupMetadataValue',
  versions: '0-4',
  flexible: '4+',
  fields: [
    string('protocolType', '0+'),
    int32('generation', '0+'),
    string('protocol', '0+', { nullable: '0+' }),
    string('leader', '0+', { nullable: '0+' }),
    safeInt64('currentStateTimestamp', '2+', { default: -1, ignorable: true }),
    array(
      'members',
      '0+',
      struct('MemberMetadata', [
        string('memberId', '0+'),
        string('groupInstanceId', '3+', { nullable: '3+', default: null, ignorable: true }),
        string('clientId', '0+'),
        string('clientHost', '0+'),
        int32('rebalanceTimeout', '1+', { default: -1, ignorable: true }),
        int32('sessionTimeout', '0+'),
        bytes('subscription', '0+'),
        bytes('assignment', '0+'),
      ]),
    ),
  ],
});
