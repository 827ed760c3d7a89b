// API key 63: BrokerHeartbeat, versions 0-1.

import { api, array, bool, int16, int32, int64, safeInt64 } from './dsl.ts';

export const brokerHeartbeatSchema = api({
  key: 63,
  name: 'BrokerHeartbeat',
  versions: '0-1',
  flexible: '0+',
  request: [
    int32('brokerId', '0+'),
    int64('brokerEpoch', '0+', { default: -1n }),
    safeInt64('currentMetadataOffset', '0+'),
    bool('wantFence', '0+'),
    bool('wantShutDown', '0+'),
    array('offlineLogDirs', '1+', 'uuid', { tag: 0 }),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    bool('isCaughtUp', '0+', { default: false }),
    bool('isFenced', '0+', { default: true }),
    bool('shouldShutDown', '0+'),
  ],
});
