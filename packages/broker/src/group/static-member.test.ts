// Scenarios of static members (KIP-345). Each transcript is what `playTranscript` writes: commands, and what came of them.

import { describe, test } from 'node:test';
import { plays } from './testing/plays.ts';

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
