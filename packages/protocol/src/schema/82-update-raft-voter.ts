// API key 82: UpdateRaftVoter, versions 0.

import { api, array, int16, int32, object, string, struct, uint16, uuid } from './dsl.ts';

export const updateRaftVoterSchema = api({
  key: 82,
  name: 'UpdateRaftVoter',
  versions: '0',
  flexible: '0+',
  request: [
    string('clusterId', '0+', { nullable: '0+' }),
    int32('currentLeaderEpoch', '0+'),
    int32('voterId', '0+'),
    uuid('voterDirectoryId', '0+'),
    array('listeners', '0+', struct('Listener', [string('name', '0+'), string('host', '0+'), uint16('port', '0+')])),
    object(
      'kRaftVersionFeature',
      '0+',
      struct('KRaftVersionFeature', [int16('minSupportedVersion', '0+'), int16('maxSupportedVersion', '0+')]),
    ),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    object(
      'currentLeader',
      '0+',
      struct('CurrentLeader', [
        int32('leaderId', '0+', { default: -1 }),
        int32('leaderEpoch', '0+', { default: -1 }),
        string('host', '0+'),
        int32('port', '0+'),
      ]),
      { tag: 0 },
    ),
  ],
});
