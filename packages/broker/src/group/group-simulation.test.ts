// Clients that join, sync, heartbeat, leave, vanish and come back at random, while stores succeed, fail and lag: whatever they do, every
// request is answered once, the group's counts agree with its members, and in the end the group is empty. A failure prints its seed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SeededRandom } from '@ottla/base';
import { defaultGroupCoordinatorConfig } from './group-config.ts';
import type { GroupMetadata } from './group-metadata.ts';
import { GroupScenario } from './testing/group-scenario.ts';

const SEEDS = 60;
const STEPS = 300;
const CONFIG = { ...defaultGroupCoordinatorConfig, groupInitialRebalanceDelayMs: 3_000, groupMaxSize: 6 };

function pick<T>(random: SeededRandom, choices: readonly T[]): T {
  const choice = choices[random.nextInt(choices.length)];
  assert.ok(choice !== undefined);
  return choice;
}

function randomCommand(random: SeededRandom, { group, openStoreCount }: GroupScenario): string {
  const members = group.members();
  const known = members.length > 0 && random.nextInt(4) > 0 ? pick(random, members) : undefined;
  const id = known?.memberId ?? pick(random, [...group.pendingMembers, 'stranger-1']);
  const generation = group.generationId - (random.nextInt(8) === 0 ? 1 : 0);
  const instance = random.nextInt(3) === 0 ? ` instance=i${random.nextInt(2)}` : '';
  const ownInstance =
    known?.groupInstanceId === undefined || known.groupInstanceId === null ? '' : ` instance=${known.groupInstanceId}`;
  const protocols = pick(random, ['range:a', 'range:b', 'range:a,sticky:s', 'sticky:s,range:a']);
  const timeouts = `session=${6 + random.nextInt(20)}s rebalance=${1 + random.nextInt(30)}s`;
  const everybody = members.map(({ memberId }) => `${memberId}:x`).join(',');
  switch (random.nextInt(12)) {
    case 0:
      return `join c${instance} protocols=${protocols} ${timeouts}`;
    case 1:
      return `join c old skip${instance} protocols=${protocols} ${timeouts}`;
    case 2:
    case 3:
    case 4:
      return `join c id=${id}${ownInstance} protocols=${protocols} ${timeouts}`;
    case 5:
    case 6:
      return `sync ${id} ${generation}${ownInstance}${random.nextInt(3) === 0 ? '' : ` assign=${everybody}`}`;
    case 7:
      return `heartbeat ${id} ${generation}${ownInstance}`;
    case 8:
      return random.nextInt(3) === 0
        ? `leave ${random.nextInt(2) === 0 ? '-' : id}${instance}`
        : `commit ${id} ${generation}`;
    case 9:
      if (openStoreCount > 0)
        return `stored ${pick(random, ['NONE', 'NONE', 'NOT_COORDINATOR', 'REBALANCE_IN_PROGRESS'])}`;
      return 'hold';
    default:
      return `wait ${1 + random.nextInt(8)}s`;
  }
}

/** What holds after every step. */
function checkInvariants(group: GroupMetadata): void {
  const members = group.members();
  assert.equal(group.awaitingJoinCount, members.filter((member) => member.isAwaitingJoin).length);
  assert.equal(group.staticMemberCount, members.filter((member) => member.isStaticMember).length);
  for (const member of members) {
    assert.ok(!group.isPendingMember(member.memberId), 'a member is not pending');
    if (member.groupInstanceId !== null) assert.equal(group.staticMemberId(member.groupInstanceId), member.memberId);
    if (member.isAwaitingSync) assert.equal(group.state, 'CompletingRebalance');
  }
  for (const memberId of group.pendingSyncMembers) assert.ok(group.has(memberId), 'who is waited for is a member');
  if (group.state === 'Empty') assert.equal(members.length, 0);
  if (group.state === 'CompletingRebalance' || group.state === 'Stable') {
    assert.ok(group.leader !== null && group.has(group.leader), 'the leader is a member');
    const protocol = group.protocolName;
    assert.ok(protocol !== null && members.every(({ protocols }) => protocols.some(({ name }) => name === protocol)));
  }
}

describe('a group among careless clients', () => {
  test(`keeps its promises in ${SEEDS} random lives`, () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new SeededRandom(seed);
      const scenario = new GroupScenario(CONFIG);
      const history: string[] = [];
      try {
        for (let step = 0; step < STEPS; step++) {
          const command = randomCommand(random, scenario);
          history.push(`> ${command}`);
          history.push(...scenario.play(command));
          checkInvariants(scenario.group);
        }
        while (scenario.openStoreCount > 0) scenario.play('stored NONE');
        for (let minutes = 0; minutes < 20; minutes++) {
          scenario.play('wait 60s');
          while (scenario.openStoreCount > 0) scenario.play('stored NONE');
        }
        assert.equal(scenario.openRequestCount, 0);
        assert.equal(scenario.group.state, 'Empty');
      } catch (error) {
        throw new Error(`seed ${seed}:\n${history.slice(-40).join('\n')}`, { cause: error });
      }
    }
  });
});
