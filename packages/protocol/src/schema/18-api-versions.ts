// API key 18: ApiVersions, versions 0-4.

import { api, array, bool, int16, int32, int64, string, struct } from './dsl.ts';

export const apiVersionsSchema = api({
  key: 18,
  name: 'ApiVersions',
  versions: '0-4',
  flexible: '3+',
  request: [
    string('clientSoftwareName', '3+', { ignorable: true }),
    string('clientSoftwareVersion', '3+', { ignorable: true }),
  ],
  response: [
    int16('errorCode', '0+'),
    array(
      'apiKeys',
      '0+',
      struct('ApiVersion', [int16('apiKey', '0+'), int16('minVersion', '0+'), int16('maxVersion', '0+')]),
    ),
    int32('throttleTimeMs', '1+', { ignorable: true }),
    array(
      'supportedFeatures',
      '3+',
      struct('SupportedFeatureKey', [string('name', '3+'), int16('minVersion', '3+'), int16('maxVersion', '3+')]),
      { ignorable: true, tag: 0 },
    ),
    int64('finalizedFeaturesEpoch', '3+', { default: -1n, ignorable: true, tag: 1 }),
    array(
      'finalizedFeatures',
      '3+',
      struct('FinalizedFeatureKey', [
        string('name', '3+'),
        int16('maxVersionLevel', '3+'),
        int16('minVersionLevel', '3+'),
      ]),
      { ignorable: true, tag: 2 },
    ),
    bool('zkMigrationReady', '3+', { default: false, ignorable: true, tag: 3 }),
  ],
});
