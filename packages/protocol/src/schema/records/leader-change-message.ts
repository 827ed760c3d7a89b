// The control record a new Raft leader writes.

import { array, int16, int32, message, struct, uuid } from '../dsl.ts';

const voter = struct('Voter', [int32('voterId', '0+'), uuid('voterDirectoryId', '1+')]);

export const leaderChangeMessageSchema = message({
  name: 'LeaderChangeMessage',
  versions: '0-1',
  flexible: '0+',
  fields: [
    int16('version', '0+'),
    int32('leaderId', '0+'),
    array('voters', '0+', voter),
    array('grantingVoters', '0+', voter),
  ],
});
