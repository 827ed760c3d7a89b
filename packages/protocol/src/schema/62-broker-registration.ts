// API key 62: BrokerRegistration, versions 0-4.

import { api, array, bool, int16, int32, int64, string, struct, uint16, uuid } from './dsl.ts';

export const brokerRegistrationSchema = api({
  key: 62,
  name: 'BrokerRegistration',
  versions: '0-4',
  flexible: '0+',
  request: [
    int32('brokerId', '0+'),
    string('clusterId', '0+'),
    uuid('incarnationId', '0+'),
    array(
      'listeners',
      '0+',
      struct('Listener', [
        string('name', '0+'),
        string('host', '0+'),
        uint16('port', '0+'),
        int16('securityProtocol', '0+'),
      ]),
    ),
    array(
      'features',
      '0+',
      struct('Feature', [string('name', '0+'), int16('minSupportedVersion', '0+'), int16('maxSupportedVersion', '0+')]),
    ),
    string('rack', '0+', { nullable: '0+' }),
    bool('isMigratingZkBroker', '1+', { default: false }),
    array('logDirs', '2+', 'uuid', { ignorable: true }),
    int64('previousBrokerEpoch', '3+', { default: -1n, ignorable: true }),
  ],
  response: [int32('throttleTimeMs', '0+'), int16('errorCode', '0+'), int64('brokerEpoch', '0+', { default: -1n })],
});
