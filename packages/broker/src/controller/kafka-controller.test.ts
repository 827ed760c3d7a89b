// The controller over a tree in memory: what it writes there and what brokers hear.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Errors, TopicPartitionMap } from '@ottla/base';
import { PERSISTENT_ZK_PATHS } from '@ottla/coordination';
import type { ControllerSettings } from './controller-parts.ts';
import { ControllerScenario } from './controller-scenario.ts';

const TOPIC_ID = 'q6hBu1XfSeGYNm5tkkU4Kg';

function scenarioTest(
  sentence: string,
  brokerIds: readonly number[],
  body: (scenario: ControllerScenario) => Promise<void>,
  settings: Partial<ControllerSettings> = {},
): void {
  test(sentence, async () => {
    const scenario = await ControllerScenario.start(brokerIds, settings);
    try {
      await body(scenario);
    } finally {
      await scenario.close();
    }
  });
}

describe('the walk of a topic on one broker', () => {
  scenarioTest('created, led, known, deleted without a trace', [1], async (scenario) => {
    const { zkClient, broker, controller } = scenario.controller;
    assert.equal(await zkClient.getControllerId(), 1);
    assert.equal(controller.epoch, 1);
    await zkClient.setOrCreateEntityConfigs('topics', 'plain', new Map([['segment.bytes', '20000']]));
    await scenario.createTopic('plain', [[1], [1]], TOPIC_ID);

    const state = await zkClient.getDataAndStat('/brokers/topics/plain/partitions/1/state');
    const golden = '{"controller_epoch":1,"leader":1,"version":1,"leader_epoch":0,"isr":[1]}';
    assert.equal(state?.data?.toString(), golden);

    const [leaderAndIsr] = broker.leaderAndIsrRequests;
    assert.equal(leaderAndIsr?.controllerId, 1);
    assert.equal(leaderAndIsr?.controllerEpoch, 1);
    assert.equal(leaderAndIsr?.brokerEpoch, controller.brokerEpoch);
    assert.deepEqual(leaderAndIsr?.liveLeaders, [{ brokerId: 1, hostName: 'h1', port: 9092 }]);
    const [topicState] = leaderAndIsr?.topicStates ?? [];
    assert.equal(topicState?.topicId, TOPIC_ID);
    assert.deepEqual(
      topicState?.partitionStates.map(({ partitionIndex, leader, leaderEpoch, isNew }) => [
        partitionIndex,
        leader,
        leaderEpoch,
        isNew,
      ]),
      [
        [0, 1, 0, true],
        [1, 1, 0, true],
      ],
    );
    assert.equal(broker.metadataCache.numPartitions('plain'), 2);
    assert.equal(broker.metadataCache.getTopicId('plain'), TOPIC_ID);
    assert.equal(broker.metadataCache.getControllerId(), 1);

    await zkClient.createDeleteTopicPath('plain');
    await scenario.settle();
    assert.equal(broker.metadataCache.containsTopic('plain'), false);
    const deleted = broker.stopReplicaRequests.flatMap(({ topicStates }) =>
      topicStates.flatMap(({ topicName, partitionStates }) =>
        partitionStates.map((partition) => [topicName, partition.partitionIndex, partition.deletePartition]),
      ),
    );
    assert.deepEqual(deleted, [
      ['plain', 0, false],
      ['plain', 1, false],
      ['plain', 0, true],
      ['plain', 1, true],
    ]);
    assert.deepEqual(await zkClient.getAllTopicsInCluster(), []);
    assert.deepEqual(await zkClient.getAllEntitiesWithConfig('topics'), []);
    assert.deepEqual(await zkClient.getTopicDeletions(), []);
    assert.deepEqual(controller.context.allPartitions(), []);
  });

  scenarioTest('created again under the same name it is another topic', [1], async (scenario) => {
    await scenario.createTopic('t', [[1]], TOPIC_ID);
    await scenario.controller.zkClient.createDeleteTopicPath('t');
    await scenario.settle();
    await scenario.createTopic('t', [[1], [1]]);
    assert.equal(scenario.broker(1).metadataCache.numPartitions('t'), 2);
    const id = scenario.broker(1).metadataCache.getTopicId('t');
    assert.notEqual(id, TOPIC_ID);
    assert.match(id, /^[\w-]{22}$/);
  });

  scenarioTest('partitions that are added get leaders too', [1], async (scenario) => {
    await scenario.createTopic('t', [[1]], TOPIC_ID);
    const { zkClient, broker } = scenario.controller;
    const assignment = new Map([0, 1, 2].map((p) => [p, { replicas: [1], addingReplicas: [], removingReplicas: [] }]));
    await zkClient.setTopicAssignment({ topic: 't', topicId: TOPIC_ID, assignment });
    await scenario.settle();
    assert.equal(broker.metadataCache.numPartitions('t'), 3);
    assert.equal((await scenario.state('t', 2))?.leader, 1);
  });

  scenarioTest('the deletion of a topic that is not there is taken off the list', [1], async (scenario) => {
    await scenario.controller.zkClient.createDeleteTopicPath('ghost');
    await scenario.settle();
    assert.deepEqual(await scenario.controller.zkClient.getTopicDeletions(), []);
  });

  scenarioTest(
    'where topics may not be deleted the wish is taken off the list',
    [1],
    async (scenario) => {
      await scenario.createTopic('t', [[1]]);
      await scenario.controller.zkClient.createDeleteTopicPath('t');
      await scenario.settle();
      assert.deepEqual(await scenario.controller.zkClient.getTopicDeletions(), []);
      assert.deepEqual(await scenario.controller.zkClient.getAllTopicsInCluster(), ['t']);
    },
    { deleteTopicEnable: false },
  );

  scenarioTest('the tree has every path that Kafka makes, and feature versioning is on', [1], async (scenario) => {
    const { zkClient } = scenario.controller;
    for (const path of PERSISTENT_ZK_PATHS) assert.ok(await zkClient.pathExists(path), path);
    const feature = await zkClient.getDataAndStat('/feature');
    assert.equal(feature?.data?.toString(), '{"features":{},"version":2,"status":1}');
  });
});

describe('brokers that come and go', () => {
  scenarioTest('when a leader dies the next in-sync replica leads, in a new epoch', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [[1, 2, 0]]);
    assert.equal((await scenario.state('t'))?.leader, 1);
    await scenario.killBroker(1);
    const state = await scenario.state('t');
    assert.equal(state?.leader, 2);
    assert.deepEqual(state?.isr, [2, 0]);
    assert.ok((state?.leaderEpoch ?? 0) > 0);
    assert.equal(scenario.broker(0).metadataCache.getPartitionInfo('t', 0)?.leader, 2);
    assert.equal(scenario.broker(0).metadataCache.hasAliveBroker(1), false);
    assert.equal(scenario.broker(2).hosted().get('t-0')?.leader, 2);
  });

  scenarioTest(
    'the last in-sync replica is kept though it is dead, and leads again when it is back',
    [0, 1],
    async (scenario) => {
      await scenario.createTopic('t', [[1]]);
      await scenario.killBroker(1);
      assert.deepEqual(await scenario.state('t'), {
        leader: -1,
        leaderEpoch: 1,
        isr: [1],
        leaderRecoveryState: 0,
        partitionEpoch: 1,
      });
      assert.deepEqual(scenario.broker(0).metadataCache.getPartitionInfo('t', 0)?.offlineReplicas, [1]);
      await scenario.startBroker(1);
      scenario.broker(1).isUnreachable = false;
      await scenario.settle();
      await scenario.clock.advance(1000);
      await scenario.settle();
      assert.equal((await scenario.state('t'))?.leader, 1);
    },
  );

  scenarioTest(
    'a replica that was out of sync leads only where losing records is accepted',
    [0, 1, 2],
    async (scenario) => {
      await scenario.createTopic('safe', [[1, 2]]);
      await scenario.createTopic('loose', [[1, 2]]);
      const { zkClient } = scenario.controller;
      await zkClient.setOrCreateEntityConfigs('topics', 'loose', new Map([['unclean.leader.election.enable', 'true']]));
      await scenario.killBroker(2);
      await scenario.startBroker(2);
      scenario.broker(2).isUnreachable = false;
      await scenario.settle();
      await scenario.killBroker(1);
      assert.equal((await scenario.state('safe'))?.leader, -1);
      const loose = await scenario.state('loose');
      assert.deepEqual([loose?.leader, loose?.isr, loose?.leaderRecoveryState], [2, [2], 1]);
    },
  );

  scenarioTest('a broker that is stopped in order leads nothing when it goes', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [
      [1, 2],
      [2, 1],
    ]);
    await scenario.createTopic('single', [[1]]);
    const { controller } = scenario.controller;
    const epoch = scenario.node(1).controller.brokerEpoch;
    await assert.rejects(controller.controlledShutdown(1, epoch - 1n), { code: Errors.STALE_BROKER_EPOCH });
    await assert.rejects(controller.controlledShutdown(9, -1n), { code: Errors.BROKER_NOT_AVAILABLE });
    assert.deepEqual(await controller.controlledShutdown(1, epoch), []);
    await scenario.settle();
    assert.deepEqual([(await scenario.state('t', 0))?.leader, (await scenario.state('t', 0))?.isr], [2, [2]]);
    assert.deepEqual((await scenario.state('t', 1))?.isr, [2]);
    assert.equal((await scenario.state('single'))?.leader, 1);
  });

  scenarioTest('a broker that cannot be reached hears of it later', [0, 1], async (scenario) => {
    scenario.broker(1).isUnreachable = true;
    await scenario.createTopic('t', [[1, 0]]);
    assert.equal(scenario.broker(1).hosted().size, 0);
    scenario.broker(1).isUnreachable = false;
    await scenario.clock.advance(100);
    await scenario.settle();
    assert.equal(scenario.broker(1).hosted().get('t-0')?.leader, 1);
  });

  scenarioTest('a failed log directory takes its replicas out of the in-sync sets', [0, 1], async (scenario) => {
    await scenario.createTopic('t', [[1, 0]]);
    scenario.broker(1).errorOf = () => Errors.KAFKA_STORAGE_ERROR;
    await scenario.node(1).zkClient.propagateLogDirEvent(1);
    await scenario.settle();
    const state = await scenario.state('t');
    assert.deepEqual([state?.leader, state?.isr], [0, [0]]);
    assert.deepEqual(await scenario.controller.zkClient.getAllLogDirEventNotifications(), []);
  });

  scenarioTest('a topic whose replica is not there is deleted when it is back', [0, 1], async (scenario) => {
    await scenario.createTopic('t', [[1, 0]]);
    await scenario.killBroker(1);
    await scenario.controller.zkClient.createDeleteTopicPath('t');
    await scenario.settle();
    assert.deepEqual(await scenario.controller.zkClient.getTopicDeletions(), ['t']);
    await scenario.startBroker(1);
    scenario.broker(1).isUnreachable = false;
    await scenario.settle();
    await scenario.clock.advance(1000);
    await scenario.settle();
    assert.deepEqual(await scenario.controller.zkClient.getAllTopicsInCluster(), []);
  });
});

describe('the office of the controller', () => {
  scenarioTest(
    'when the controller dies another takes over with a later epoch and all it knew',
    [0, 1],
    async (scenario) => {
      await scenario.createTopic('t', [[1, 0]]);
      await scenario.killBroker(0);
      const { controller, zkClient } = scenario.node(1);
      assert.equal(controller.isActive, true);
      assert.equal(controller.epoch, 2);
      assert.equal(await zkClient.getControllerId(), 1);
      assert.deepEqual((await scenario.state('t'))?.isr, [1]);
      await scenario.createTopic('u', [[1]]);
      assert.equal((await zkClient.getTopicPartitionState({ topic: 'u', partition: 0 }))?.controllerEpoch, 2);
    },
  );

  scenarioTest('after its session expired a broker registers anew and stands for election', [1], async (scenario) => {
    await scenario.createTopic('t', [[1]]);
    const { controller, client } = scenario.node(1);
    const epoch = controller.brokerEpoch;
    await scenario.tree.expire(client.session);
    await scenario.settle();
    assert.ok(controller.brokerEpoch > epoch);
    assert.equal(controller.isActive, true);
    assert.equal(controller.epoch, 2);
    assert.equal((await scenario.state('t'))?.leader, 1);
  });

  scenarioTest('a deletion that one controller began the next one ends', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [[1, 2]]);
    scenario.broker(1).isUnreachable = true;
    await scenario.controller.zkClient.createDeleteTopicPath('t');
    await scenario.settle();
    assert.deepEqual(await scenario.controller.zkClient.getTopicDeletions(), ['t']);
    await scenario.killBroker(0);
    scenario.broker(1).isUnreachable = false;
    await scenario.clock.advance(1000);
    await scenario.settle();
    assert.deepEqual(await scenario.controller.zkClient.getAllTopicsInCluster(), []);
  });

  scenarioTest('whoever is not the controller says so', [0, 1], async (scenario) => {
    const { controller } = scenario.node(1);
    await assert.rejects(controller.listPartitionReassignments(), { code: Errors.NOT_CONTROLLER });
    await assert.rejects(controller.controlledShutdown(1, -1n), { code: Errors.NOT_CONTROLLER });
    await assert.rejects(controller.electLeaders([], 'preferred'), { code: Errors.NOT_CONTROLLER });
  });
});

describe('elections that are asked for', () => {
  scenarioTest('preferred leaders are elected on request, with a reason where not', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [
      [1, 2],
      [2, 1],
    ]);
    await scenario.killBroker(1);
    await scenario.startBroker(1);
    scenario.broker(1).isUnreachable = false;
    await scenario.settle();
    const tp = { topic: 't', partition: 0 };
    const { controller } = scenario.controller;
    const outOfSync = await controller.electLeaders(
      [tp, { topic: 't', partition: 1 }, { topic: 'x', partition: 0 }],
      'preferred',
    );
    assert.deepEqual(
      codes(outOfSync),
      [Errors.UNKNOWN_TOPIC_OR_PARTITION, Errors.ELECTION_NOT_NEEDED, Errors.PREFERRED_LEADER_NOT_AVAILABLE].sort(),
    );
    await expandIsr(scenario, tp, [2, 1]);
    const elected = await controller.electLeaders([tp], 'preferred');
    assert.equal(elected.get(tp), 1);
    assert.equal((await scenario.state('t'))?.leader, 1);
  });

  scenarioTest('leaders are balanced by themselves after a while', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [[1, 2]]);
    await scenario.killBroker(1);
    await scenario.startBroker(1);
    scenario.broker(1).isUnreachable = false;
    await scenario.settle();
    await expandIsr(scenario, { topic: 't', partition: 0 }, [2, 1]);
    await scenario.clock.advance(301_000);
    await scenario.settle();
    assert.equal((await scenario.state('t'))?.leader, 1);
  });

  scenarioTest('a tool may ask for preferred leaders through the tree', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [[1, 2]]);
    await scenario.killBroker(1);
    await scenario.startBroker(1);
    scenario.broker(1).isUnreachable = false;
    await scenario.settle();
    const tp = { topic: 't', partition: 0 };
    await expandIsr(scenario, tp, [2, 1]);
    await scenario.controller.zkClient.createPreferredReplicaElection([tp]);
    await scenario.settle();
    assert.equal((await scenario.state('t'))?.leader, 1);
    assert.equal(await scenario.controller.zkClient.pathExists('/admin/preferred_replica_election'), false);
  });
});

describe('partitions that move', () => {
  scenarioTest('to another broker, when it is in sync', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [[1]], TOPIC_ID);
    const tp = { topic: 't', partition: 0 };
    const { controller, zkClient } = scenario.controller;
    const results = await controller.alterPartitionReassignments(new TopicPartitionMap([[tp, [2]]]));
    assert.equal(results.get(tp)?.errorCode, Errors.NONE);
    await scenario.settle();
    assert.equal(
      (await zkClient.getDataAndStat('/brokers/topics/t'))?.data?.toString(),
      `{"partitions":{"0":[2,1]},"topic_id":"${TOPIC_ID}","adding_replicas":{"0":[2]},"removing_replicas":{"0":[1]},"version":3}`,
    );
    assert.deepEqual((await controller.listPartitionReassignments()).get(tp), {
      replicas: [2, 1],
      addingReplicas: [2],
      removingReplicas: [1],
    });
    assert.equal(scenario.broker(2).hosted().get('t-0')?.isNew, true);
    await expandIsr(scenario, tp, [1, 2]);
    const state = await scenario.state('t');
    assert.deepEqual([state?.leader, state?.isr], [2, [2]]);
    assert.deepEqual((await zkClient.getFullReplicaAssignmentForTopics(['t'])).get(tp), {
      replicas: [2],
      addingReplicas: [],
      removingReplicas: [],
    });
    assert.equal((await controller.listPartitionReassignments()).size, 0);
    const stopped = scenario
      .broker(1)
      .stopReplicaRequests.flatMap(({ topicStates }) =>
        topicStates.flatMap(({ partitionStates }) => partitionStates.map(({ deletePartition }) => deletePartition)),
      );
    assert.deepEqual(stopped, [false, true]);
    assert.deepEqual(scenario.broker(0).metadataCache.getPartitionInfo('t', 0)?.replicas, [2]);
  });

  scenarioTest('at once, when only the order of the replicas changes', [1], async (scenario) => {
    await scenario.createTopic('t', [[1]]);
    const tp = { topic: 't', partition: 0 };
    const results = await scenario.controller.controller.alterPartitionReassignments(
      new TopicPartitionMap([[tp, [1]]]),
    );
    assert.equal(results.get(tp)?.errorCode, Errors.NONE);
    assert.equal((await scenario.controller.controller.listPartitionReassignments()).size, 0);
    assert.equal((await scenario.state('t'))?.leader, 1);
  });

  scenarioTest('not to nobody, twice to one broker, or to a dead one', [0, 1], async (scenario) => {
    await scenario.createTopic('t', [[1], [1], [1], [1]]);
    const { controller } = scenario.controller;
    const wanted = new TopicPartitionMap<readonly number[] | null>([
      [{ topic: 't', partition: 0 }, []],
      [{ topic: 't', partition: 1 }, [0, 0]],
      [{ topic: 't', partition: 2 }, [9]],
      [{ topic: 't', partition: 3 }, null],
      [{ topic: 'x', partition: 0 }, [1]],
    ]);
    const results = await controller.alterPartitionReassignments(wanted);
    assert.deepEqual(
      [...wanted.keys()].map((tp) => results.get(tp)?.errorCode),
      [
        Errors.INVALID_REPLICA_ASSIGNMENT,
        Errors.INVALID_REPLICA_ASSIGNMENT,
        Errors.INVALID_REPLICA_ASSIGNMENT,
        Errors.NO_REASSIGNMENT_IN_PROGRESS,
        Errors.UNKNOWN_TOPIC_OR_PARTITION,
      ],
    );
  });

  scenarioTest('back, when the move is cancelled', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [[1]]);
    const tp = { topic: 't', partition: 0 };
    const { controller, zkClient } = scenario.controller;
    await controller.alterPartitionReassignments(new TopicPartitionMap([[tp, [2]]]));
    const results = await controller.alterPartitionReassignments(new TopicPartitionMap([[tp, null]]));
    assert.equal(results.get(tp)?.errorCode, Errors.NONE);
    await scenario.settle();
    assert.deepEqual((await zkClient.getFullReplicaAssignmentForTopics(['t'])).get(tp)?.replicas, [1]);
    assert.equal((await scenario.state('t'))?.leader, 1);
  });

  scenarioTest('on when another controller takes over', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [[1]]);
    const tp = { topic: 't', partition: 0 };
    await scenario.controller.controller.alterPartitionReassignments(new TopicPartitionMap([[tp, [2]]]));
    await scenario.killBroker(0);
    assert.equal((await scenario.controller.controller.listPartitionReassignments()).size, 1);
    await expandIsr(scenario, tp, [1, 2]);
    assert.equal((await scenario.state('t'))?.leader, 2);
  });

  scenarioTest('when a tool asks through the tree', [0, 1, 2], async (scenario) => {
    await scenario.createTopic('t', [[1]]);
    const tp = { topic: 't', partition: 0 };
    const { zkClient } = scenario.controller;
    await zkClient.createPartitionReassignment(new TopicPartitionMap([[tp, [2]]]));
    await scenario.settle();
    assert.equal(await zkClient.reassignPartitionsInProgress(), true);
    await expandIsr(scenario, tp, [1, 2]);
    assert.equal((await scenario.state('t'))?.leader, 2);
    assert.equal(await zkClient.reassignPartitionsInProgress(), false);
  });
});

describe('in-sync sets that leaders change', () => {
  scenarioTest('through AlterPartition, once, and only by who leads now', [0, 1], async (scenario) => {
    await scenario.createTopic('t', [[1, 0]], TOPIC_ID);
    const { controller } = scenario.controller;
    const alter = async (change: {
      leaderEpoch?: number;
      partitionEpoch?: number;
      brokerEpoch?: bigint;
      isr?: number[];
    }) => {
      const response = await controller.alterPartitions(
        {
          brokerId: 1,
          brokerEpoch: change.brokerEpoch ?? scenario.node(1).controller.brokerEpoch,
          topics: [
            {
              topicName: '',
              topicId: TOPIC_ID,
              partitions: [
                {
                  partitionIndex: 0,
                  leaderEpoch: change.leaderEpoch ?? 0,
                  newIsr: [],
                  newIsrWithEpochs: (change.isr ?? [1]).map((brokerId) => ({ brokerId, brokerEpoch: -1n })),
                  leaderRecoveryState: 0,
                  partitionEpoch: change.partitionEpoch ?? 0,
                },
              ],
            },
          ],
        },
        3,
      );
      return response.errorCode === Errors.NONE ? response.topics[0]?.partitions[0] : response.errorCode;
    };
    const errorOf = async (change: Parameters<typeof alter>[0]) => {
      const result = await alter(change);
      return typeof result === 'number' ? result : result?.errorCode;
    };
    assert.equal(await errorOf({ brokerEpoch: 0n }), Errors.STALE_BROKER_EPOCH);
    assert.equal(await errorOf({ leaderEpoch: 1 }), Errors.NOT_CONTROLLER);
    assert.equal(await errorOf({ isr: [1, 9] }), Errors.INELIGIBLE_REPLICA);
    const first = await alter({});
    assert.ok(typeof first === 'object');
    assert.deepEqual([first?.isr, first?.partitionEpoch], [[1], 1]);
    assert.deepEqual(await alter({}), first);
    assert.equal(await errorOf({ isr: [1, 0] }), Errors.INVALID_UPDATE_VERSION);
    await scenario.settle();
    assert.deepEqual(scenario.broker(0).metadataCache.getPartitionInfo('t', 0)?.isr, [1]);
  });
});

function codes(results: TopicPartitionMap<number | { errorCode: number }>): number[] {
  return [...results.values()].map((result) => (typeof result === 'number' ? 0 : result.errorCode)).sort();
}

/** What a leader does when a follower caught up: writes the state, leaves a notification. */
async function expandIsr(
  scenario: ControllerScenario,
  tp: { topic: string; partition: number },
  isr: readonly number[],
): Promise<void> {
  const { zkClient } = scenario.controller;
  const state = await zkClient.getTopicPartitionState(tp);
  assert.ok(state !== undefined);
  const { controllerEpoch, leaderAndIsr } = state;
  await zkClient.updateLeaderAndIsr(new TopicPartitionMap([[tp, { ...leaderAndIsr, isr }]]), controllerEpoch, -1);
  await zkClient.propagateIsrChanges([tp]);
  await scenario.settle();
}
