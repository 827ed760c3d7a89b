// API key 16: ListGroups, versions 0-5.

import { api, array, int16, int32, string, struct } from './dsl.ts';

export const listGroupsSchema = api({
  key: 16,
  name: 'ListGroups',
  versions: '0-5',
  flexible: '3+',
  request: [array('statesFilter', '4+', 'string'), array('typesFilter', '5+', 'string')],
  response: [
    int32('throttleTimeMs', '1+', { ignorable: true }),
    int16('errorCode', '0+'),
    array(
      'groups',
      '0+',
      struct('ListedGroup', [
        string('groupId', '0+'),
        string('protocolType', '0+'),
        string('groupState', '4+', { ignorable: true }),
        string('groupType', '5+', { ignorable: true }),
      ]),
    ),
  ],
});
