// API key 72: PushTelemetry, versions 0.

import { api, bool, bytes, int8, int16, int32, uuid } from './dsl.ts';

export const pushTelemetrySchema = api({
  key: 72,
  name: 'PushTelemetry',
  versions: '0',
  flexible: '0+',
  request: [
    uuid('clientInstanceId', '0+'),
    int32('subscriptionId', '0+'),
    bool('terminating', '0+'),
    int8('compressionType', '0+'),
    bytes('metrics', '0+'),
  ],
  response: [int32('throttleTimeMs', '0+'), int16('errorCode', '0+')],
});
