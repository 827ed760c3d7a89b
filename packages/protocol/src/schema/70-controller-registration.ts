// API key 70: ControllerRegistration, versions 0.

import { api, array, bool, int16, int32, string, struct, uint16, uuid } from './dsl.ts';

export const controllerRegistrationSchema = api({
  key: 70,
  name: 'ControllerRegistration',
  versions: '0',
  flexible: '0+',
  request: [
    int32('controllerId', '0+'),
    uuid('incarnationId', '0+'),
    bool('zkMigrationReady', '0+'),
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
  ],
  response: [int32('throttleTimeMs', '0+'), int16('errorCode', '0+'), string('errorMessage', '0+', { nullable: '0+' })],
});
