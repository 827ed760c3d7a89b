// API key 71: GetTelemetrySubscriptions, versions 0.

import { api, array, bool, int16, int32, uuid } from './dsl.ts';

export const getTelemetrySubscriptionsSchema = api({
  key: 71,
  name: 'GetTelemetrySubscriptions',
  versions: '0',
  flexible: '0+',
  request: [uuid('clientInstanceId', '0+')],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    uuid('clientInstanceId', '0+'),
    int32('subscriptionId', '0+'),
    array('acceptedCompressionTypes', '0+', 'int8'),
    int32('pushIntervalMs', '0+'),
    int32('telemetryMaxBytes', '0+'),
    bool('deltaTemporality', '0+'),
    array('requestedMetrics', '0+', 'string'),
  ],
});
