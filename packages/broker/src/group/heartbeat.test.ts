// Kafka's answers to Heartbeat, by the state of the group and who asks.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, errorName } from '@ottla/base';
import { defaultGroupCoordinatorConfig } from './group-config.ts';
import { GroupStep } from './group-step.ts';
import { heartbeat } from './membership.ts';
import { GroupScenario } from './testing/group-scenario.ts';

const TO_STATE: Readonly<Record<string, readonly string[]>> = {
  Empty: [],
  PreparingRebalance: ['join a old instance=i'],
  CompletingRebalance: ['join a old instance=i', 'wait 1s'],
  Stable: ['join a old instance=i', 'wait 1s', 'sync i-1 1 assign=i-1:x'],
  Dead: ['join a old instance=i', 'wait 1s', 'unload'],
};

// state | member, other generation, stranger, right instance, wrong instance (unknown, of another member)
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  Empty: ['UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID', 'UNKNOWN_MEMBER_ID'],
  PreparingRebalance: [
    'REBALANCE_IN_PROGRESS',
    'ILLEGAL_GENERATION',
    'UNKNOWN_MEMBER_ID',
    'REBALANCE_IN_PROGRESS',
    'UNKNOWN_MEMBER_ID',
  ],
  CompletingRebalance: ['NONE', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'NONE', 'UNKNOWN_MEMBER_ID'],
  Stable: ['NONE', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'NONE', 'UNKNOWN_MEMBER_ID'],
  Dead: Array<string>(5).fill('COORDINATOR_NOT_AVAILABLE'),
};

describe('Heartbeat', () => {
  for (const [state, commands] of Object.entries(TO_STATE)) {
    test(`in state ${state} answers ${ANSWERS[state]?.join(', ')}`, () => {
      const scenario = new GroupScenario({ ...defaultGroupCoordinatorConfig, groupInitialRebalanceDelayMs: 500 });
      for (const command of commands) scenario.play(command);
      const { group } = scenario;
      assert.equal(group.state, state);
      const { generationId } = group;
      const senders = [
        { memberId: 'i-1', generationId, groupInstanceId: null },
        { memberId: 'i-1', generationId: generationId + 1, groupInstanceId: null },
        { memberId: 'stranger', generationId, groupInstanceId: null },
        { memberId: 'i-1', generationId, groupInstanceId: 'i' },
        { memberId: 'i-1', generationId, groupInstanceId: 'unknown' },
      ];
      const answers = senders.map((sender) => errorName(heartbeat(newStep(), group, sender)));
      assert.deepEqual(answers, ANSWERS[state]);
    });
  }

  test('of an instance id that another member holds now is fenced', () => {
    const scenario = new GroupScenario({ ...defaultGroupCoordinatorConfig, groupInitialRebalanceDelayMs: 0 });
    for (const command of TO_STATE.Stable ?? []) scenario.play(command);
    const sender = { memberId: 'i-0', generationId: 1, groupInstanceId: 'i' };
    assert.equal(heartbeat(newStep(), scenario.group, sender), Errors.FENCED_INSTANCE_ID);
  });

  test('starts the session anew', () => {
    const scenario = new GroupScenario({ ...defaultGroupCoordinatorConfig, groupInitialRebalanceDelayMs: 0 });
    for (const command of TO_STATE.Stable ?? []) scenario.play(command);
    const step = newStep();
    heartbeat(step, scenario.group, { memberId: 'i-1', generationId: 1, groupInstanceId: 'i' });
    assert.deepEqual(step.effects, [
      { kind: 'schedule', timer: { kind: 'session', memberId: 'i-1' }, delayMs: 10_000 },
    ]);
  });
});

function newStep(): GroupStep {
  return new GroupStep(0, defaultGroupCoordinatorConfig, () => 'uuid');
}
