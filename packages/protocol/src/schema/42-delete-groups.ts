// API key 42: DeleteGroups, versions 0-2.

import { api, array, int16, int32, string, struct } from './dsl.ts';

export const deleteGroupsSchema = api({
  key: 42,
  name: 'DeleteGroups',
  versions: '0-2',
  flexible: '2+',
  request: [array('groupsNames', '0+', 'string')],
  response: [
    int32('throttleTimeMs', '0+'),
    array('results', '0+', struct('DeletableGroupResult', [string('groupId', '0+'), int16('errorCode', '0+')])),
  ],
});
