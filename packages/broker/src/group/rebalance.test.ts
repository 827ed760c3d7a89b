// Scenarios of sessions that end. Each transcript is what `playTranscript` writes: commands, and what came of them.

import { describe, test } from 'node:test';
import { plays } from './testing/plays.ts';

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
