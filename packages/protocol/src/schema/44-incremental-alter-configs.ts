// API key 44: IncrementalAlterConfigs, versions 0-1.

import { api, array, bool, int8, int16, int32, string, struct } from './dsl.ts';

export const incrementalAlterConfigsSchema = api({
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: '0-1',
  flexible: '1+',
  request: [
    array(
      'resources',
      '0+',
      struct('AlterConfigsResource', [
        int8('resourceType', '0+'),
        string('resourceName', '0+'),
        array(
          'configs',
          '0+',
          struct('AlterableConfig', [
            string('name', '0+'),
            int8('configOperation', '0+'),
            string('value', '0+', { nullable: '0+' }),
          ]),
        ),
      ]),
    ),
    bool('validateOnly', '0+'),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    array(
      'responses',
      '0+',
      struct('AlterConfigsResourceResponse', [
        int16('errorCode', '0+'),
        string('errorMessage', '0+', { nullable: '0+' }),
        int8('resourceType', '0+'),
        string('resourceName', '0+'),
      ]),
    ),
  ],
});
