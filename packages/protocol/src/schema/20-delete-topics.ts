// API key 20: DeleteTopics, versions 0-6.

import { api, array, int16, int32, string, struct, uuid } from './dsl.ts';

export const deleteTopicsSchema = api({
  key: 20,
  name: 'DeleteTopics',
  versions: '0-6',
  flexible: '4+',
  request: [
    array(
      'topics',
      '6+',
      struct('DeleteTopicState', [string('name', '6+', { nullable: '6+', default: null }), uuid('topicId', '6+')]),
    ),
    array('topicNames', '0-5', 'string', { ignorable: true }),
    int32('timeoutMs', '0+'),
  ],
  response: [
    int32('throttleTimeMs', '1+', { ignorable: true }),
    array(
      'responses',
      '0+',
      struct('DeletableTopicResult', [
        string('name', '0+', { nullable: '6+' }),
        uuid('topicId', '6+', { ignorable: true }),
        int16('errorCode', '0+'),
        string('errorMessage', '5+', { nullable: '5+', default: null, ignorable: true }),
      ]),
    ),
  ],
});
