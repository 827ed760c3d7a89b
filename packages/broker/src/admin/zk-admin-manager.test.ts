// Topics through the admin manager, a controller and a tree in memory.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ConfigError, Errors, silentLogger, TopicPartitionMap, ZERO_UUID } from '@ottla/base';
import type { CreatableTopic, Decoded } from '@ottla/protocol';
import { ControllerScenario } from '../controller/controller-scenario.ts';
import { AutoTopicCreationManager } from './auto-topic-creation-manager.ts';
import { type CreatedTopic, ZkAdminManager } from './zk-admin-manager.ts';

type Topic = Decoded<CreatableTopic>;

function topic(name: string, fields: Partial<Topic> = {}): Topic {
  return { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [], ...fields };
}

function managerOf(scenario: ControllerScenario): ZkAdminManager {
  const { zkClient, broker } = scenario.controller;
  return new ZkAdminManager({
    zkClient,
    metadataCache: broker.metadataCache,
    clock: scenario.clock,
    random: scenario.random,
    logger: silentLogger,
    defaults: { numPartitions: 2, replicationFactor: 1 },
    validateTopicConfig: (config) => {
      for (const key of config.keys())
        if (key !== 'retention.ms') throw new ConfigError(`Unknown topic config name: ${key}`);
    },
  });
}

function adminTest(
  sentence: string,
  brokerIds: readonly number[],
  body: (manager: ZkAdminManager, scenario: ControllerScenario) => Promise<void>,
): void {
  test(sentence, async () => {
    const scenario = await ControllerScenario.start(brokerIds);
    try {
      await body(managerOf(scenario), scenario);
    } finally {
      await scenario.close();
    }
  });
}

const PATIENT = { timeoutMs: 1000, validateOnly: false };

async function createOne(manager: ZkAdminManager, wanted: Topic, options = PATIENT): Promise<CreatedTopic> {
  const result = (await manager.createTopics([wanted], options)).get(wanted.name);
  assert.ok(result !== undefined);
  return result;
}

describe('creating topics', () => {
  adminTest('answers when the metadata shows leaders, with id, counts and settings', [1], async (manager, scenario) => {
    const configs = [{ name: 'retention.ms', value: '5' }];
    const result = await createOne(manager, topic('t', { configs }));
    assert.equal(result.error.errorCode, Errors.NONE);
    assert.deepEqual([result.partitionCount, result.replicationFactor], [2, 1]);
    const { metadataCache } = scenario.broker(1);
    assert.equal(metadataCache.getTopicId('t'), result.topicId);
    assert.equal(metadataCache.getPartitionInfo('t', 1)?.leader, 1);
    const stored = await scenario.controller.zkClient.getEntityConfigs('topics', 't');
    assert.deepEqual(stored, new Map([['retention.ms', '5']]));
  });

  adminTest('only checks where it is asked to', [1], async (manager, scenario) => {
    const result = await createOne(manager, topic('t'), { timeoutMs: 1000, validateOnly: true });
    assert.deepEqual([result.error.errorCode, result.topicId, result.partitionCount], [Errors.NONE, ZERO_UUID, 2]);
    assert.deepEqual(await scenario.controller.zkClient.getAllTopicsInCluster(), []);
  });

  adminTest(
    'gives up waiting when the time is over; the topic is there all the same',
    [0, 1],
    async (manager, scenario) => {
      scenario.broker(0).isUnreachable = true;
      const waits = createOne(manager, topic('t'));
      await scenario.settle();
      await scenario.clock.advance(1000);
      assert.equal((await waits).error.errorCode, Errors.REQUEST_TIMED_OUT);
      assert.equal(await scenario.controller.zkClient.topicExists('t'), true);
    },
  );

  adminTest('does not wait at all with a timeout of 0', [1], async (manager) => {
    const result = await createOne(manager, topic('t'), { timeoutMs: 0, validateOnly: false });
    assert.equal(result.error.errorCode, Errors.REQUEST_TIMED_OUT);
  });

  adminTest('takes the assignment it is given', [0, 1], async (manager, scenario) => {
    const assignments = [
      { partitionIndex: 1, brokerIds: [1, 0] },
      { partitionIndex: 0, brokerIds: [0, 1] },
    ];
    assert.equal((await createOne(manager, topic('t', { assignments }))).error.errorCode, Errors.NONE);
    assert.deepEqual(scenario.broker(0).metadataCache.getPartitionInfo('t', 1)?.replicas, [1, 0]);
  });

  adminTest('two at the same time create one topic, with the settings of that one', [1], async (manager, scenario) => {
    const withConfig = topic('t', { configs: [{ name: 'retention.ms', value: '7' }] });
    const [first, second] = await Promise.all([createOne(manager, topic('t')), createOne(manager, withConfig)]);
    assert.deepEqual([first.error.errorCode, second.error.errorCode], [Errors.NONE, Errors.TOPIC_ALREADY_EXISTS]);
    assert.deepEqual(await scenario.controller.zkClient.getEntityConfigs('topics', 't'), new Map());
  });

  const refusals: [string, Topic, number, string | RegExp | null][] = [
    [
      'an empty name',
      topic(''),
      Errors.INVALID_TOPIC_EXCEPTION,
      'Topic name is invalid: the empty string is not allowed',
    ],
    ['a dot', topic('.'), Errors.INVALID_TOPIC_EXCEPTION, "Topic name is invalid: '.' is not allowed"],
    [
      'a name that is too long',
      topic('x'.repeat(250)),
      Errors.INVALID_TOPIC_EXCEPTION,
      /longer than the max allowed length 249$/,
    ],
    ['a slash', topic('a/b'), Errors.INVALID_TOPIC_EXCEPTION, /ASCII alphanumerics, '\.', '_' and '-'$/],
    ['an existing name', topic('a.b'), Errors.TOPIC_ALREADY_EXISTS, "Topic 'a.b' already exists."],
    [
      'a name that looks the same in metrics',
      topic('a_b'),
      Errors.INVALID_TOPIC_EXCEPTION,
      "Topic 'a_b' collides with existing topics: a.b",
    ],
    [
      'no partitions',
      topic('t', { numPartitions: 0 }),
      Errors.INVALID_PARTITIONS,
      'Number of partitions must be larger than 0.',
    ],
    ['too many partitions', topic('t', { numPartitions: 2 ** 31 - 1 }), Errors.POLICY_VIOLATION, /Excessively large/],
    [
      'too many replicas',
      topic('t', { replicationFactor: 3 }),
      Errors.INVALID_REPLICATION_FACTOR,
      'Replication factor: 3 larger than available brokers: 1.',
    ],
    [
      'counts beside an assignment',
      topic('t', { numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] }),
      Errors.INVALID_REQUEST,
      /^Both numPartitions or replicationFactor and replicasAssignments were set/,
    ],
    [
      'an assignment with a gap',
      topic('t', { assignments: [{ partitionIndex: 1, brokerIds: [1] }] }),
      Errors.INVALID_REPLICA_ASSIGNMENT,
      'partitions should be a consecutive 0-based integer sequence',
    ],
    [
      'an assignment to one broker twice',
      topic('t', { assignments: [{ partitionIndex: 0, brokerIds: [1, 1] }] }),
      Errors.INVALID_REPLICA_ASSIGNMENT,
      /^Duplicate replica assignment found/,
    ],
    [
      'an assignment to an unknown broker',
      topic('t', { assignments: [{ partitionIndex: 0, brokerIds: [9] }] }),
      Errors.INVALID_REPLICA_ASSIGNMENT,
      /includes broker 9, but no such broker is registered/,
    ],
    [
      'an assignment to nobody',
      topic('t', { assignments: [{ partitionIndex: 0, brokerIds: [] }] }),
      Errors.INVALID_REPLICA_ASSIGNMENT,
      null,
    ],
    [
      'a setting nobody knows',
      topic('t', { configs: [{ name: 'x', value: 'y' }] }),
      Errors.INVALID_CONFIG,
      'Unknown topic config name: x',
    ],
    [
      'a setting without value',
      topic('t', { configs: [{ name: 'retention.ms', value: null }] }),
      Errors.INVALID_CONFIG,
      'Null value not supported for topic configs: retention.ms',
    ],
  ];
  for (const [what, wanted, code, message] of refusals) {
    adminTest(`refuses ${what}, and creates the others`, [1], async (manager, scenario) => {
      await createOne(manager, topic('a.b'));
      const results = await manager.createTopics([wanted, topic('other')], PATIENT);
      const { error } = results.get(wanted.name) ?? assert.fail();
      assert.equal(error.errorCode, code);
      if (message instanceof RegExp) assert.match(error.message ?? '', message);
      else if (message !== null) assert.equal(error.message, message);
      assert.deepEqual(await scenario.controller.zkClient.getAllTopicsInCluster(), ['a.b', 'other']);
    });
  }

  adminTest('__proto__ is a topic like any other', [1], async (manager, scenario) => {
    assert.equal((await createOne(manager, topic('__proto__'))).error.errorCode, Errors.NONE);
    assert.equal(scenario.broker(1).metadataCache.numPartitions('__proto__'), 2);
  });
});

describe('deleting topics', () => {
  adminTest('answers when the metadata has forgotten it', [1], async (manager, scenario) => {
    await createOne(manager, topic('t'));
    const results = await manager.deleteTopics(['t', 'ghost'], 1000);
    assert.equal(results.get('t')?.errorCode, Errors.NONE);
    assert.equal(results.get('ghost')?.errorCode, Errors.UNKNOWN_TOPIC_OR_PARTITION);
    assert.equal(scenario.broker(1).metadataCache.containsTopic('t'), false);
  });

  adminTest('a name is free again only when the topic is gone', [0, 1], async (manager, scenario) => {
    await createOne(manager, topic('t', { assignments: [{ partitionIndex: 0, brokerIds: [1] }] }));
    scenario.broker(1).isUnreachable = true;
    const waits = manager.deleteTopics(['t'], 1000);
    await scenario.settle();
    const again = await createOne(manager, topic('t'));
    assert.equal(again.error.message, "Topic 't' is marked for deletion.");
    const waitsToo = manager.deleteTopics(['t'], 1000);
    scenario.broker(1).isUnreachable = false;
    await scenario.clock.advance(500);
    await scenario.settle();
    assert.equal((await waits).get('t')?.errorCode, Errors.NONE);
    assert.equal((await waitsToo).get('t')?.errorCode, Errors.NONE);
    assert.equal((await createOne(manager, topic('t'))).error.errorCode, Errors.NONE);
  });
});

describe('adding partitions', () => {
  adminTest('answers when they have leaders; the topic keeps its id', [0, 1], async (manager, scenario) => {
    const { topicId } = await createOne(manager, topic('t', { numPartitions: 1 }));
    const results = await manager.createPartitions([{ name: 't', count: 3, assignments: null }], PATIENT);
    assert.equal(results.get('t')?.errorCode, Errors.NONE);
    const { metadataCache } = scenario.controller.broker;
    assert.equal(metadataCache.numPartitions('t'), 3);
    assert.equal(metadataCache.getTopicId('t'), topicId);
    const given = [{ name: 't', count: 4, assignments: [{ brokerIds: [1] }] }];
    await manager.createPartitions(given, PATIENT);
    assert.deepEqual(metadataCache.getPartitionInfo('t', 3)?.replicas, [1]);
  });

  const refusals: [string, number, number[][] | null, number, string | RegExp][] = [
    [
      'fewer than there are',
      1,
      null,
      Errors.INVALID_PARTITIONS,
      'Topic currently has 2 partitions, which is higher than the requested 1.',
    ],
    ['as many as there are', 2, null, Errors.INVALID_PARTITIONS, 'Topic already has 2 partitions.'],
    ['too many', 2 ** 31 - 1, null, Errors.POLICY_VIOLATION, /Excessively/],
    ['an unknown broker', 3, [[9]], Errors.INVALID_REPLICA_ASSIGNMENT, 'Unknown broker(s) in replica assignment: 9.'],
    [
      'another number of assignments',
      4,
      [[1]],
      Errors.INVALID_REPLICA_ASSIGNMENT,
      'Increasing the number of partitions by 2 but 1 assignments provided.',
    ],
    ['nobody', 3, [[]], Errors.INVALID_REPLICA_ASSIGNMENT, 'Cannot have replication factor of 0 for partition id 2.'],
    ['one broker twice', 3, [[1, 1]], Errors.INVALID_REPLICA_ASSIGNMENT, /^Duplicate brokers not allowed/],
    ['another replication factor', 3, [[1, 0]], Errors.INVALID_REPLICA_ASSIGNMENT, /^Inconsistent replication factor/],
  ];
  for (const [what, count, replicas, code, message] of refusals) {
    adminTest(`refuses ${what}`, [0, 1], async (manager) => {
      await createOne(manager, topic('t'));
      const assignments = replicas?.map((brokerIds) => ({ brokerIds })) ?? null;
      const results = await manager.createPartitions([{ name: 't', count, assignments }], PATIENT);
      const { errorCode, message: text } = results.get('t') ?? assert.fail();
      assert.equal(errorCode, code);
      if (typeof message === 'string') assert.equal(text, message);
      else assert.match(text ?? '', message);
    });
  }

  adminTest('refuses a topic that is not there or is being moved', [0, 1], async (manager, scenario) => {
    await createOne(manager, topic('t', { assignments: [{ partitionIndex: 0, brokerIds: [0] }] }));
    const move = new TopicPartitionMap([[{ topic: 't', partition: 0 }, [1]] as const]);
    await scenario.controller.controller.alterPartitionReassignments(move);
    const wanted = ['t', 'ghost'].map((name) => ({ name, count: 2, assignments: null }));
    const results = await manager.createPartitions(wanted, PATIENT);
    assert.equal(results.get('t')?.errorCode, Errors.REASSIGNMENT_IN_PROGRESS);
    assert.equal(results.get('ghost')?.errorCode, Errors.UNKNOWN_TOPIC_OR_PARTITION);
  });
});

describe('topics that are created because they were asked for', () => {
  adminTest('are created once, with their settings; those with bad names are not', [1], async (manager, scenario) => {
    let asked = 0;
    const auto = new AutoTopicCreationManager({
      adminManager: manager,
      logger: silentLogger,
      settingsOf: (name) => {
        asked++;
        const config = name.startsWith('__') ? new Map([['retention.ms', '9']]) : new Map<string, string>();
        return { partitionCount: 3, replicationFactor: 1, config };
      },
    });
    auto.createTopics(new Set(['t', '__consumer_offsets', 'a/b']));
    auto.createTopics(new Set(['t']));
    await auto.close();
    await scenario.settle();
    assert.equal(asked, 2);
    const { metadataCache } = scenario.broker(1);
    assert.deepEqual(metadataCache.getAllTopics().sort(), ['__consumer_offsets', 't']);
    assert.equal(metadataCache.numPartitions('t'), 3);
    const stored = await scenario.controller.zkClient.getEntityConfigs('topics', '__consumer_offsets');
    assert.deepEqual(stored, new Map([['retention.ms', '9']]));
  });

  adminTest('are tried again after a failure', [1], async (manager, scenario) => {
    let replicationFactor = 3;
    const settingsOf = () => ({ partitionCount: 1, replicationFactor, config: new Map<string, string>() });
    const auto = new AutoTopicCreationManager({ adminManager: manager, logger: silentLogger, settingsOf });
    auto.createTopics(new Set(['t']));
    await auto.close();
    assert.deepEqual(await scenario.controller.zkClient.getAllTopicsInCluster(), []);
    replicationFactor = 1;
    auto.createTopics(new Set(['t']));
    await auto.close();
    assert.deepEqual(await scenario.controller.zkClient.getAllTopicsInCluster(), ['t']);
  });
});
