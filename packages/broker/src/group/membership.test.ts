// Scenarios of leaving and of who may commit. Each transcript is what `playTranscript` writes: commands, and what came of them.

import { describe, test } from 'node:test';
import { plays } from './testing/plays.ts';

describe('leaving', () => {
  test('several members leave in one request, each with its own answer', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join b old protocols=range:B
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A,b-2:B
      1s b ← join gen=2 id=b-2 leader=a-1 protocol=range
      > sync a-1 2
      1s store assignment a-1:,b-2:
      1s a-1 ← sync consumer/range assignment=
      > leave a-1 b-2 c-3
      1s NONE NONE NONE UNKNOWN_MEMBER_ID
      1s store emptyGeneration
      > state
      1s Empty gen=3 protocol=null leader=null members=
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a member that leaves while its requests wait gets them answered', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join b old protocols=range:B
      > leave b-2
      1s NONE NONE
      1s b ← join UNKNOWN_MEMBER_ID
      > state
      1s PreparingRebalance gen=1 protocol=range leader=a-1 members=a-1
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join c old protocols=range:C
      > join a id=a-1 protocols=range:A
      1s a ← join gen=3 id=a-1 leader=a-1 protocol=range members=a-1:A,c-3:C
      1s c ← join gen=3 id=c-3 leader=a-1 protocol=range
      > sync c-3 3
      > leave c-3
      1s NONE NONE
      1s c-3 ← sync UNKNOWN_MEMBER_ID
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('nobody is left waiting when the group moves to another broker', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join b old protocols=range:B
      > unload
      1s b ← join NOT_COORDINATOR id=b-2
      > heartbeat a-1 1
      1s COORDINATOR_NOT_AVAILABLE
      > join a id=a-1 protocols=range:A
      1s a ← join COORDINATOR_NOT_AVAILABLE id=a-1
      > join c
      1s c ← join COORDINATOR_NOT_AVAILABLE
      > sync a-1 1
      1s a-1 ← sync COORDINATOR_NOT_AVAILABLE
      > leave a-1
      1s COORDINATOR_NOT_AVAILABLE
      > commit a-1 1
      1s COORDINATOR_NOT_AVAILABLE
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });
});

describe('committing', () => {
  test('who may commit depends on state, member and generation', () => {
    plays(
      `
      > commit - -1
      NONE
      > commit - 1
      UNKNOWN_MEMBER_ID
      > commit x -1
      NONE
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > commit a-1 1
      1s REBALANCE_IN_PROGRESS
      > commit - -1
      1s UNKNOWN_MEMBER_ID
      > commit - -1 txn
      1s NONE
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > commit a-1 1
      1s NONE
      > commit a-1 0
      1s ILLEGAL_GENERATION
      > commit x 1
      1s UNKNOWN_MEMBER_ID
      > commit - 1 instance=i
      1s UNKNOWN_MEMBER_ID
      > commit - -1
      1s UNKNOWN_MEMBER_ID
      > join b old protocols=range:B
      > commit a-1 1
      1s NONE
      > commit a-1 1 txn
      1s NONE
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a commit is a sign of life', () => {
    plays(
      `
      > join a old session=10s protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > wait 9s
      > commit a-1 1
      10s NONE
      > wait 9s
      > state
      19s Stable gen=1 protocol=range leader=a-1 members=a-1
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });
});
