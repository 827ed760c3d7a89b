// API key 74: ListConfigResources, versions 0-1.

import { api, array, int8, int16, int32, string, struct } from './dsl.ts';

export const listConfigResourcesSchema = api({
  key: 74,
  name: 'ListConfigResources',
  formerly: 'ListClientMetricsResources',
  versions: '0-1',
  flexible: '0+',
  request: [array('resourceTypes', '1+', 'int8')],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    array(
      'configResources',
      '0+',
      struct('ConfigResource', [
        string('resourceName', '0+', { formerly: 'name' }),
        int8('resourceType', '1+', { default: 16, ignorable: true }),
      ]),
      { formerly: 'clientMetricsResources' },
    ),
  ],
});
