// Scenarios of JoinGroup. Each transcript is what `playTranscript` writes: commands, and what came of them.

import { describe, test } from 'node:test';
import { plays } from './testing/plays.ts';

describe('joining', () => {
  test('a dynamic member gets an id first, joins with it, leads, and brings the assignment', () => {
    plays(`
      > join a
      a ← join MEMBER_ID_REQUIRED id=a-1
      > state
      Empty gen=0 protocol=null leader=null members= pending=a-1
      > join a id=a-1 protocols=range:A
      > wait 3s
      3s a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > heartbeat a-1 1
      3s NONE
      > sync a-1 1 assign=a-1:x
      3s store assignment a-1:x
      3s a-1 ← sync consumer/range assignment=x
      > state
      3s Stable gen=1 protocol=range leader=a-1 members=a-1
      > heartbeat a-1 1
      3s NONE
    `);
  });

  test('an older client (JoinGroup 0 to 3) joins without the round trip', () => {
    plays(`
      > join a old protocols=range:A
      > wait 3s
      3s a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
    `);
  });

  test('each member that comes during the initial delay prolongs it', () => {
    plays(`
      > join a old protocols=range:A
      > wait 2s
      > join b old protocols=range:B
      > wait 2s
      > wait 2s
      6s a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A,b-2:B
      6s b ← join gen=1 id=b-2 leader=a-1 protocol=range
      > state
      6s CompletingRebalance gen=1 protocol=range leader=a-1 members=a-1,b-2
    `);
  });

  test('the initial delay ends with the rebalance timeout of the members', () => {
    plays(`
      > join a old rebalance=5s session=10s protocols=range:A
      > wait 2s
      > join b old rebalance=5s protocols=range:B
      > wait 2s
      > join c old rebalance=5s protocols=range:C
      > wait 2s
      5s a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A,b-2:B,c-3:C
      5s b ← join gen=1 id=b-2 leader=a-1 protocol=range
      5s c ← join gen=1 id=c-3 leader=a-1 protocol=range
    `);
  });

  test('a second member makes the first one rejoin, and its leaving too', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 1 assign=a-1:all
      1s store assignment a-1:all
      1s a-1 ← sync consumer/range assignment=all
      > join b
      1s b ← join MEMBER_ID_REQUIRED id=b-2
      > join b id=b-2 protocols=range:B
      > heartbeat a-1 1
      1s REBALANCE_IN_PROGRESS
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A,b-2:B
      1s b ← join gen=2 id=b-2 leader=a-1 protocol=range
      > sync b-2 2
      > sync a-1 2 assign=a-1:x,b-2:y
      1s store assignment a-1:x,b-2:y
      1s a-1 ← sync consumer/range assignment=x
      1s b-2 ← sync consumer/range assignment=y
      > leave b-2
      1s NONE NONE
      > heartbeat a-1 2
      1s REBALANCE_IN_PROGRESS
      > join a id=a-1 protocols=range:A
      1s a ← join gen=3 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 3 assign=a-1:all
      1s store assignment a-1:all
      1s a-1 ← sync consumer/range assignment=all
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('most votes choose the protocol, among those all members support; others stay out', () => {
    plays(
      `
      > join a old protocols=range:A1,sticky:A2
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A1
      > join b old protocols=sticky:B2,range:B1,custom:B3
      > join a id=a-1 protocols=range:A1,sticky:A2
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A1,b-2:B1
      1s b ← join gen=2 id=b-2 leader=a-1 protocol=range
      > join c old protocols=sticky:C2,range:C1
      > join a id=a-1 protocols=range:A1,sticky:A2
      > join b id=b-2 protocols=sticky:B2,range:B1
      1s a ← join gen=3 id=a-1 leader=a-1 protocol=sticky members=a-1:A2,b-2:B2,c-3:C2
      1s b ← join gen=3 id=b-2 leader=a-1 protocol=sticky
      1s c ← join gen=3 id=c-3 leader=a-1 protocol=sticky
      > join d old protocols=custom:D
      1s d ← join INCONSISTENT_GROUP_PROTOCOL
      > join e old type=connect protocols=range:E
      1s e ← join INCONSISTENT_GROUP_PROTOCOL
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a protocol listed twice counts once', () => {
    plays(
      `
      > join a old protocols=range:A,range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a group needs a protocol type and a protocol', () => {
    plays(`
      > join a old protocols=
      a ← join INCONSISTENT_GROUP_PROTOCOL
      > join a old type= protocols=range
      a ← join INCONSISTENT_GROUP_PROTOCOL
    `);
  });

  test('between join and sync a member that asks again gets the same answer, unless its metadata changed', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join a id=a-1 protocols=range:A
      1s a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join a id=a-1 protocols=range:A2
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A2
      > join x id=x-9
      1s x ← join UNKNOWN_MEMBER_ID id=x-9
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('in a stable group a follower that asks again disturbs nobody, unless its metadata changed', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join b old protocols=range:B
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A,b-2:B
      1s b ← join gen=2 id=b-2 leader=a-1 protocol=range
      > sync a-1 2 assign=a-1:x,b-2:y
      1s store assignment a-1:x,b-2:y
      1s a-1 ← sync consumer/range assignment=x
      > sync b-2 2
      1s b-2 ← sync consumer/range assignment=y
      > join b id=b-2 protocols=range:B
      1s b ← join gen=2 id=b-2 leader=a-1 protocol=range
      > join b id=b-2 protocols=range:B2
      > state
      1s PreparingRebalance gen=2 protocol=range leader=a-1 members=a-1,b-2
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a leader that asks again in a stable group starts a rebalance', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a dynamic member that does not rejoin within the rebalance timeout is out', () => {
    plays(
      `
      > join a old rebalance=20s session=30s protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > join b old rebalance=20s session=30s protocols=range:B
      > wait 20s
      21s b ← join gen=2 id=b-2 leader=b-2 protocol=range members=b-2:B
      > state
      21s CompletingRebalance gen=2 protocol=range leader=b-2 members=b-2
      > heartbeat a-1 1
      21s UNKNOWN_MEMBER_ID
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a new member is given up after five minutes though its request still waits', () => {
    plays(
      `
      > join a old session=600s rebalance=900s protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > join b old session=600s rebalance=900s protocols=range:B
      > wait 299s
      > wait 1s
      301s b ← join UNKNOWN_MEMBER_ID
      > state
      301s PreparingRebalance gen=1 protocol=range leader=a-1 members=a-1
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a member id that was handed out holds the rebalance up until its session ends', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > join b session=10s
      1s b ← join MEMBER_ID_REQUIRED id=b-2
      > join c old protocols=range:C
      > join a id=a-1 protocols=range:A
      > wait 10s
      11s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A,c-3:C
      11s c ← join gen=2 id=c-3 leader=a-1 protocol=range
      > state
      11s CompletingRebalance gen=2 protocol=range leader=a-1 members=a-1,c-3
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a member id that was handed out can be given back, and is not for static members', () => {
    plays(
      `
      > join a
      a ← join MEMBER_ID_REQUIRED id=a-1
      > leave a-1
      NONE NONE
      > join a id=a-1
      a ← join UNKNOWN_MEMBER_ID id=a-1
      > join b
      b ← join MEMBER_ID_REQUIRED id=b-2
      > join b id=b-2 instance=i
      b ← join UNKNOWN_SERVER_ERROR
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a request that waits is superseded by the next one of the same member', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join b old protocols=range:B
      > join b2 id=b-2 protocols=range:B
      1s b ← join REBALANCE_IN_PROGRESS id=b-2
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A,b-2:B
      1s b2 ← join gen=2 id=b-2 leader=a-1 protocol=range
      > sync b-2 2
      > sync b-2 2
      1s b-2 ← sync REBALANCE_IN_PROGRESS
      > state
      1s CompletingRebalance gen=2 protocol=range leader=a-1 members=a-1,b-2
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('group.max.size keeps further members out and lets members rejoin', () => {
    plays(
      `
      > join a old protocols=range:A
      > join b old protocols=range:B
      b ← join GROUP_MAX_SIZE_REACHED
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join b old protocols=range:B
      1s b ← join GROUP_MAX_SIZE_REACHED
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > join c
      1s c ← join GROUP_MAX_SIZE_REACHED
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A
      `,
      { groupInitialRebalanceDelayMs: 0, groupMaxSize: 1 },
    );
  });
});
