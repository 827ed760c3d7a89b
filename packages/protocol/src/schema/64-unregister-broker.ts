// API key 64: UnregisterBroker, versions 0.

import { api, int16, int32, string } from './dsl.ts';

export const unregisterBrokerSchema = api({
  key: 64,
  name: 'UnregisterBroker',
  versions: '0',
  flexible: '0+',
  request: [int32('brokerId', '0+')],
  response: [int32('throttleTimeMs', '0+'), int16('errorCode', '0+'), string('errorMessage', '0+', { nullable: '0+' })],
});
