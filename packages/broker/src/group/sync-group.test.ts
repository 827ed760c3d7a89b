// Scenarios of SyncGroup. Each transcript is what `playTranscript` writes: commands, and what came of them.

import { describe, test } from 'node:test';
import { plays } from './testing/plays.ts';

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
