// Scenarios of group membership. Each transcript is what `playTranscript` writes: commands, and what came of them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { GroupCoordinatorConfig } from './group-config.ts';
import { normalTranscript, playTranscript } from './testing/group-scenario.ts';

/** Plays the transcript's commands and compares everything that came of them. */
function plays(transcript: string, config?: Partial<GroupCoordinatorConfig>): void {
  assert.equal(playTranscript(transcript, config), normalTranscript(transcript));
}

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

describe('syncing', () => {
  test('SyncGroup checks member, generation and protocol, fills in who was forgotten and drops strangers', () => {
    plays(
      `
      > join a old protocols=range:A
      > sync a-1 0
      a-1 ← sync REBALANCE_IN_PROGRESS
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 0
      1s a-1 ← sync ILLEGAL_GENERATION
      > sync x 1
      1s x ← sync UNKNOWN_MEMBER_ID
      > sync a-1 1 type=connect
      1s a-1 ← sync INCONSISTENT_GROUP_PROTOCOL
      > sync a-1 1 name=sticky
      1s a-1 ← sync INCONSISTENT_GROUP_PROTOCOL
      > sync a-1 1 instance=i
      1s a-1 ← sync UNKNOWN_MEMBER_ID
      > sync a-1 1 type=consumer name=range assign=stranger:z
      1s store assignment a-1:
      1s a-1 ← sync consumer/range assignment=
      > sync a-1 1
      1s a-1 ← sync consumer/range assignment=
      > state
      1s Stable gen=1 protocol=range leader=a-1 members=a-1
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test("followers wait for the leader's assignment to be in the log", () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join b old protocols=range:B
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A,b-2:B
      1s b ← join gen=2 id=b-2 leader=a-1 protocol=range
      > hold
      > sync b-2 2
      > sync a-1 2 assign=a-1:x,b-2:y
      1s store assignment a-1:x,b-2:y
      > state
      1s CompletingRebalance gen=2 protocol=range leader=a-1 members=a-1,b-2
      > stored NONE
      1s a-1 ← sync consumer/range assignment=x
      1s b-2 ← sync consumer/range assignment=y
      > state
      1s Stable gen=2 protocol=range leader=a-1 members=a-1,b-2
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('an assignment that cannot be stored starts the rebalance anew; one stored too late is history', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > hold
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      > stored COORDINATOR_NOT_AVAILABLE
      1s a-1 ← sync COORDINATOR_NOT_AVAILABLE
      > state
      1s PreparingRebalance gen=1 protocol=range leader=a-1 members=a-1
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 2 assign=a-1:x
      1s store assignment a-1:x
      > join b old protocols=range:B
      1s a-1 ← sync REBALANCE_IN_PROGRESS
      > stored NONE
      > state
      1s PreparingRebalance gen=2 protocol=range leader=a-1 members=a-1,b-2
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('members that join but never sync are out after the rebalance timeout', () => {
    plays(
      `
      > join a old rebalance=10s session=60s protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join b old rebalance=10s session=60s protocols=range:B
      > join a id=a-1 rebalance=10s session=60s protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A,b-2:B
      1s b ← join gen=2 id=b-2 leader=a-1 protocol=range
      > sync a-1 2 assign=a-1:x,b-2:y
      1s store assignment a-1:x,b-2:y
      1s a-1 ← sync consumer/range assignment=x
      > wait 10s
      > state
      11s PreparingRebalance gen=2 protocol=range leader=a-1 members=a-1
      > heartbeat b-2 2
      11s UNKNOWN_MEMBER_ID
      > heartbeat a-1 2
      11s REBALANCE_IN_PROGRESS
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });
});

describe('sessions', () => {
  test('a member that stops its heartbeats is out when its session ends, and the group goes empty', () => {
    plays(
      `
      > join a old session=10s protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > wait 9s
      > heartbeat a-1 1
      10s NONE
      > wait 9s
      > state
      19s Stable gen=1 protocol=range leader=a-1 members=a-1
      > wait 1s
      20s store emptyGeneration
      > state
      20s Empty gen=2 protocol=null leader=null members=
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a member whose request waits stays though it sends no heartbeat, and its session starts anew with the answer', () => {
    plays(
      `
      > join a old session=10s rebalance=60s protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > sync a-1 1 assign=a-1:x
      1s store assignment a-1:x
      1s a-1 ← sync consumer/range assignment=x
      > join b session=50s
      1s b ← join MEMBER_ID_REQUIRED id=b-2
      > join a id=a-1 session=10s rebalance=60s protocols=range:A2
      > wait 50s
      51s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A2
      > wait 9s
      > state
      60s CompletingRebalance gen=2 protocol=range leader=a-1 members=a-1
      > wait 1s
      61s store emptyGeneration
      > state
      61s Empty gen=3 protocol=null leader=null members=
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });
});

describe('static members', () => {
  test('a static member returns to a stable group without a rebalance, with a new id; its old id is fenced', () => {
    plays(
      `
      > join a old instance=i1 protocols=range:A
      > wait 1s
      a ← join gen=1 id=i1-1 leader=i1-1 protocol=range members=i1-1:A
      > join b old instance=i2 protocols=range:B
      > join a id=i1-1 instance=i1 protocols=range:A
      1s a ← join gen=2 id=i1-1 leader=i1-1 protocol=range members=i1-1:A,i2-2:B
      1s b ← join gen=2 id=i2-2 leader=i1-1 protocol=range
      > sync i1-1 2 assign=i1-1:x,i2-2:y instance=i1
      1s store assignment i1-1:x,i2-2:y
      1s i1-1 ← sync consumer/range assignment=x
      > sync i2-2 2 instance=i2
      1s i2-2 ← sync consumer/range assignment=y
      > join b instance=i2 skip protocols=range:B
      1s store staticMember i1-1:x,i2-3:y
      1s b ← join gen=2 id=i2-3 leader=i1-1 protocol=range
      > heartbeat i2-2 2 instance=i2
      1s FENCED_INSTANCE_ID
      > heartbeat i2-3 2 instance=i2
      1s NONE
      > sync i2-3 2 instance=i2
      1s i2-3 ← sync consumer/range assignment=y
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test("a returning leader is told to skip the assignment, or by an older client's protocol that another leads", () => {
    plays(
      `
      > join a old instance=i1 protocols=range:A
      > wait 1s
      a ← join gen=1 id=i1-1 leader=i1-1 protocol=range members=i1-1:A
      > sync i1-1 1 assign=i1-1:x
      1s store assignment i1-1:x
      1s i1-1 ← sync consumer/range assignment=x
      > join a instance=i1 skip protocols=range:A
      1s store staticMember i1-2:x
      1s a ← join gen=1 id=i1-2 leader=i1-2 protocol=range members=i1-2:A skipAssignment
      > join a instance=i1 protocols=range:A
      1s store staticMember i1-3:x
      1s a ← join gen=1 id=i1-3 leader=i1-2 protocol=range
      > sync i1-3 1 instance=i1
      1s i1-3 ← sync consumer/range assignment=x
      > join a instance=i1 protocols=sticky:A
      1s a ← join INCONSISTENT_GROUP_PROTOCOL
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a static member that returns with another choice of protocol starts a rebalance', () => {
    plays(
      `
      > join a old instance=i1 protocols=range:A,sticky:A
      > wait 1s
      a ← join gen=1 id=i1-1 leader=i1-1 protocol=range members=i1-1:A
      > sync i1-1 1 assign=i1-1:x
      1s store assignment i1-1:x
      1s i1-1 ← sync consumer/range assignment=x
      > join a instance=i1 protocols=sticky:A,range:A
      1s a ← join gen=2 id=i1-2 leader=i1-2 protocol=sticky members=i1-2:A
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a replacement that cannot be stored is undone; one stored too late lets the member take part in the rebalance', () => {
    plays(
      `
      > join a old instance=i1 session=10s protocols=range:A
      > wait 1s
      a ← join gen=1 id=i1-1 leader=i1-1 protocol=range members=i1-1:A
      > sync i1-1 1 assign=i1-1:x
      1s store assignment i1-1:x
      1s i1-1 ← sync consumer/range assignment=x
      > hold
      > join a instance=i1 protocols=range:A2
      1s store staticMember i1-2:x
      > stored NOT_COORDINATOR
      1s a ← join NOT_COORDINATOR
      > state
      1s Stable gen=1 protocol=range leader=i1-1 members=i1-1
      > heartbeat i1-1 1 instance=i1
      1s NONE
      > join a instance=i1 protocols=range:A
      1s store staticMember i1-3:x
      > join b old protocols=range:B
      1s a ← join gen=2 id=i1-3 leader=i1-3 protocol=range members=i1-3:A,b-4:B
      1s b ← join gen=2 id=b-4 leader=i1-3 protocol=range
      > stored NONE
      > state
      1s CompletingRebalance gen=2 protocol=range leader=i1-3 members=i1-3,b-4
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('of two instances with one id the later one lives', () => {
    plays(
      `
      > join a old instance=i1 protocols=range:A
      > join a2 old instance=i1 protocols=range:A
      a ← join FENCED_INSTANCE_ID id=i1-1
      > wait 1s
      a2 ← join gen=1 id=i1-2 leader=i1-2 protocol=range members=i1-2:A
      > sync i1-1 1 instance=i1
      1s i1-1 ← sync FENCED_INSTANCE_ID
      > sync i1-2 1 instance=i1 assign=i1-2:x
      1s store assignment i1-2:x
      1s i1-2 ← sync consumer/range assignment=x
      > join a id=i1-1 instance=i1
      1s a ← join FENCED_INSTANCE_ID id=i1-1
      > join a id=i1-2 instance=unknown
      1s a ← join UNKNOWN_MEMBER_ID id=i1-2
      > leave i1-1 instance=i1
      1s NONE FENCED_INSTANCE_ID
      > leave - instance=nobody
      1s NONE UNKNOWN_MEMBER_ID
      > leave - instance=i1
      1s NONE NONE
      1s store emptyGeneration
      > state
      1s Empty gen=2 protocol=null leader=null members=
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a static member that returns between join and sync starts the rebalance anew', () => {
    plays(
      `
      > join a old protocols=range:A
      > wait 1s
      a ← join gen=1 id=a-1 leader=a-1 protocol=range members=a-1:A
      > join s old instance=i protocols=range:S
      > join a id=a-1 protocols=range:A
      1s a ← join gen=2 id=a-1 leader=a-1 protocol=range members=a-1:A,i-2:S
      1s s ← join gen=2 id=i-2 leader=a-1 protocol=range
      > sync i-2 2 instance=i
      > join s instance=i protocols=range:S
      1s i-2 ← sync FENCED_INSTANCE_ID
      > heartbeat a-1 2
      1s REBALANCE_IN_PROGRESS
      > join a id=a-1 protocols=range:A
      1s a ← join gen=3 id=a-1 leader=a-1 protocol=range members=a-1:A,i-3:S
      1s s ← join gen=3 id=i-3 leader=a-1 protocol=range
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });

  test('a rebalance that only an absent static member is left for waits until its session ends', () => {
    plays(
      `
      > join s old instance=i rebalance=10s session=30s protocols=range:S
      > wait 1s
      s ← join gen=1 id=i-1 leader=i-1 protocol=range members=i-1:S
      > join a old rebalance=10s session=30s protocols=range:A
      > join s id=i-1 instance=i rebalance=10s session=30s protocols=range:S
      1s s ← join gen=2 id=i-1 leader=i-1 protocol=range members=i-1:S,a-2:A
      1s a ← join gen=2 id=a-2 leader=i-1 protocol=range
      > sync i-1 2 assign=i-1:x,a-2:y
      1s store assignment i-1:x,a-2:y
      1s i-1 ← sync consumer/range assignment=x
      > sync a-2 2
      1s a-2 ← sync consumer/range assignment=y
      > leave a-2
      1s NONE NONE
      > wait 11s
      > state
      12s PreparingRebalance gen=2 protocol=range leader=i-1 members=i-1
      > wait 20s
      31s store emptyGeneration
      > state
      32s Empty gen=3 protocol=null leader=null members=
      `,
      { groupInitialRebalanceDelayMs: 0 },
    );
  });
});

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
