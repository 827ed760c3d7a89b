// API key 57: UpdateFeatures, versions 0-2.

import { api, array, bool, int8, int16, int32, string, struct } from './dsl.ts';

export const updateFeaturesSchema = api({
  key: 57,
  name: 'UpdateFeatures',
  versions: '0-2',
  flexible: '0+',
  request: [
    int32('timeoutMs', '0+', { default: 60000 }),
    array(
      'featureUpdates',
      '0+',
      struct('FeatureUpdateKey', [
        string('feature', '0+'),
        int16('maxVersionLevel', '0+'),
        bool('allowDowngrade', '0'),
        int8('upgradeType', '1+', { default: 1 }),
      ]),
    ),
    bool('validateOnly', '1+', { default: false }),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+' }),
    array(
      'results',
      '0-1',
      struct('UpdatableFeatureResult', [
        string('feature', '0+'),
        int16('errorCode', '0+'),
        string('errorMessage', '0+', { nullable: '0+' }),
      ]),
      { ignorable: true },
    ),
  ],
});
