// API key 92: DeleteShareGroupOffsets, versions 0.

import { api, array, int16, int32, string, struct, uuid } from './dsl.ts';

export const deleteShareGroupOffsetsSchema = api({
  key: 92,
  name: 'DeleteShareGroupOffsets',
  versions: '0',
  flexible: '0+',
  request: [
    string('groupId', '0+'),
    array('topics', '0+', struct('DeleteShareGroupOffsetsRequestTopic', [string('topicName', '0+')])),
  ],
  response: [
    int32('throttleTimeMs', '0+'),
    int16('errorCode', '0+'),
    string('errorMessage', '0+', { nullable: '0+', default: null }),
    array(
      'responses',
      '0+',
      struct('DeleteShareGroupOffsetsResponseTopic', [
        string('topicName', '0+'),
        uuid('topicId', '0+'),
        int16('errorCode', '0+'),
        string('errorMessage', '0+', { nullable: '0+', default: null }),
      ]),
    ),
  ],
});
