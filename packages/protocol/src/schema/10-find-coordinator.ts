// API key 10: FindCoordinator, versions 0-6.

import { api, array, int8, int16, int32, string, struct } from './dsl.ts';

export const findCoordinatorSchema = api({
  key: 10,
  name: 'FindCoordinator',
  versions: '0-6',
  flexible: '3+',
  request: [string('key', '0-3'), int8('keyType', '1+', { default: 0 }), array('coordinatorKeys', '4+', 'string')],
  response: [
    int32('throttleTimeMs', '1+', { ignorable: true }),
    int16('errorCode', '0-3'),
    string('errorMessage', '1-3', { nullable: '1-3', ignorable: true }),
    int32('nodeId', '0-3'),
    string('host', '0-3'),
    int32('port', '0-3'),
    array(
      'coordinators',
      '4+',
      struct('Coordinator', [
        string('key', '4+'),
        int32('nodeId', '4+'),
        string('host', '4+'),
        int32('port', '4+'),
        int16('errorCode', '4+'),
        string('errorMessage', '4+', { nullable: '4+', ignorable: true }),
      ]),
    ),
  ],
});
