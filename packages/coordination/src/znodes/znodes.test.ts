// Every znode of a live Kafka 3.9 cluster is read and written back byte for byte; 2.8's are read.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { AclChangeZNode, ResourceZNode } from './acl-znodes.ts';
import { BrokerIdZNode, ClusterIdZNode } from './broker-znodes.ts';
import { ConfigEntityChangeNotificationSequenceZNode, ConfigEntityZNode } from './config-znodes.ts';
import {
  ControllerEpochZNode,
  ControllerZNode,
  FeatureZNode,
  IsrChangeNotificationSequenceZNode,
  LogDirEventNotificationSequenceZNode,
  ProducerIdBlockZNode,
} from './controller-znodes.ts';
import { inPropertiesOrder, inScalaMapOrder, javaHashCode, ZnodeFormatError } from './json.ts';
import { PERSISTENT_ZK_PATHS } from './kafka-paths.ts';
import { desanitize, sanitize } from './sanitizer.ts';
import {
  PreferredReplicaElectionZNode,
  ReassignPartitionsZNode,
  TopicPartitionStateZNode,
  TopicZNode,
} from './topic-znodes.ts';

interface GoldenZnode {
  readonly path: string;
  readonly data: string | null;
}

const FACTS = process.env.KAFKA_FACTS ?? fileURLToPath(new URL('../../../../../shared/kafka', import.meta.url));

function golden(version: '2.8' | '3.9'): GoldenZnode[] {
  const lines = readFileSync(join(FACTS, `zookeeper/znodes-${version}.jsonl`), 'utf8')
    .trim()
    .split('\n');
  return lines.map((line) => JSON.parse(line));
}

function factsTest(sentence: string, body: () => void): void {
  const isMissing = !existsSync(join(FACTS, 'zookeeper'));
  const skip = isMissing && process.env.CI !== 'true' ? `no Kafka facts at ${FACTS}` : false;
  test(sentence, { skip }, body);
}

/** Which codec a path's data goes through: reads it and writes what it read. */
const ROUND_TRIPS: [RegExp, (data: Buffer, match: RegExpExecArray) => Buffer][] = [
  [/^\/brokers\/ids\/(\d+)$/, (data, [, id]) => BrokerIdZNode.encode(BrokerIdZNode.decode(Number(id), data))],
  [/^\/brokers\/topics\/([^/]+)$/, (data, [, topic]) => TopicZNode.encode(TopicZNode.decode(topic ?? '', data))],
  [/\/state$/, (data) => TopicPartitionStateZNode.encode(TopicPartitionStateZNode.decode(data, 0))],
  [/^\/cluster\/id$/, (data) => ClusterIdZNode.encode(ClusterIdZNode.decode(data))],
  [
    /^\/config\/changes\//,
    (data) =>
      ConfigEntityChangeNotificationSequenceZNode.encode(ConfigEntityChangeNotificationSequenceZNode.decode(data)),
  ],
  [/^\/config\//, (data) => ConfigEntityZNode.encode(ConfigEntityZNode.decode(data))],
  [
    /^\/controller$/,
    (data) => {
      const timestamp: unknown = JSON.parse(data.toString()).timestamp;
      return ControllerZNode.encode(ControllerZNode.decode(data), Number(timestamp));
    },
  ],
  [/^\/controller_epoch$/, (data) => ControllerEpochZNode.encode(ControllerEpochZNode.decode(data))],
  [/^\/feature$/, (data) => FeatureZNode.encode(FeatureZNode.decode(data))],
  [/^\/latest_producer_id_block$/, (data) => ProducerIdBlockZNode.encode(ProducerIdBlockZNode.decode(data))],
  [/^\/kafka-acl-changes\//, (data) => AclChangeZNode.encode(AclChangeZNode.decode('literal', data))],
  [/^\/kafka-acl-extended-changes\//, (data) => AclChangeZNode.encode(AclChangeZNode.decode('extended', data))],
  [/^\/kafka-acl(-extended)?\//, (data) => ResourceZNode.encode(ResourceZNode.decode(data))],
];

function roundTrip({ path, data }: GoldenZnode): string | undefined {
  for (const [pattern, through] of ROUND_TRIPS) {
    const match = pattern.exec(path);
    if (match !== null && data !== null) return through(Buffer.from(data), match).toString();
  }
  return undefined;
}

describe('znodes of Kafka', () => {
  factsTest('3.9 are written as they were read, byte for byte', () => {
    const withData = golden('3.9').filter(({ path, data }) => path !== '/' && data !== null);
    assert.ok(withData.length > 50);
    for (const node of withData) assert.equal(roundTrip(node), node.data, node.path);
  });

  factsTest('2.8 can all be read', () => {
    for (const node of golden('2.8')) {
      if (node.path === '/' || node.data === null) continue;
      const written = roundTrip(node);
      assert.notEqual(written, undefined, node.path);
      // Names in another order and newer versions aside, it is the same object.
      if (!node.path.startsWith('/feature') && node.path !== '/controller') {
        assert.deepEqual(parsed(written ?? ''), parsed(node.data), node.path);
      }
    }
  });

  factsTest('include every path a broker makes sure of', () => {
    const paths = new Set(golden('3.9').map(({ path }) => path));
    for (const path of PERSISTENT_ZK_PATHS) assert.ok(paths.has(path), path);
  });

  test('a registration of each version is read', () => {
    const version1 = Buffer.from('{"version":1,"host":"h","port":9092,"jmx_port":-1,"timestamp":"5"}');
    assert.deepEqual(BrokerIdZNode.decode(3, version1).endPoints, [
      { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host: 'h', port: 9092 },
    ]);
    const version3 = Buffer.from(
      '{"version":3,"host":null,"port":-1,"jmx_port":9999,"timestamp":"5","endpoints":["SSL://[::1]:9093"],"rack":"r"}',
    );
    const broker = BrokerIdZNode.decode(3, version3);
    assert.deepEqual(broker.endPoints, [{ listenerName: 'SSL', securityProtocol: 'SSL', host: '::1', port: 9093 }]);
    assert.equal(broker.rack, 'r');
  });

  test('a registration with rack, features and IPv6 comes back as it was', () => {
    const broker = {
      id: 5,
      endPoints: [{ listenerName: 'EXTERNAL', securityProtocol: 'SASL_SSL', host: '::1', port: 19092 }],
      rack: 'a"b',
      features: new Map([['f', { min: 1, max: 3 }]]),
      version: 5,
      jmxPort: -1,
      timestampMs: 1234,
    };
    const data = BrokerIdZNode.encode(broker);
    assert.deepEqual(BrokerIdZNode.decode(5, data), broker);
    assert.match(
      data.toString(),
      /"endpoints":\["EXTERNAL:\/\/\[::1\]:19092"\],"rack":"a\\"b","jmx_port":-1,"port":-1,"host":null/,
    );
  });

  test('a reassignment in progress keeps its adding and removing replicas', () => {
    const assignment = new Map([
      [0, { replicas: [1, 2, 3], addingReplicas: [3], removingReplicas: [1] }],
      [1, { replicas: [2], addingReplicas: [], removingReplicas: [] }],
    ]);
    const data = TopicZNode.encode({ topicId: undefined, assignment });
    assert.equal(
      data.toString(),
      '{"partitions":{"0":[1,2,3],"1":[2]},"adding_replicas":{"0":[3]},"removing_replicas":{"0":[1]},"version":3}',
    );
    assert.deepEqual(TopicZNode.decode('t', data), { topic: 't', topicId: undefined, assignment });
  });

  test('version 1 of a topic has no id and nothing moving', () => {
    const { assignment, topicId } = TopicZNode.decode('t', Buffer.from('{"version":1,"partitions":{"0":[1]}}'));
    assert.equal(topicId, undefined);
    assert.deepEqual(assignment.get(0), { replicas: [1], addingReplicas: [], removingReplicas: [] });
  });

  test('an unclean leader is recovering, and says so only then', () => {
    const state = {
      leaderAndIsr: { leader: 1, leaderEpoch: 6, isr: [1], leaderRecoveryState: 1 as const, partitionEpoch: 9 },
      controllerEpoch: 10,
    };
    const data = TopicPartitionStateZNode.encode(state);
    assert.deepEqual(TopicPartitionStateZNode.decode(data, 9), state);
    assert.match(data.toString(), /"version":1,"leader_recovery_state":1,"leader_epoch":6,"isr":\[1\]/);
  });

  test('partitions named in notifications and requests come back', () => {
    const partitions = [
      { topic: 'a', partition: 0 },
      { topic: '__proto__', partition: 7 },
    ];
    assert.deepEqual(
      IsrChangeNotificationSequenceZNode.decode(IsrChangeNotificationSequenceZNode.encode(partitions)),
      partitions,
    );
    assert.deepEqual(
      PreferredReplicaElectionZNode.decode(PreferredReplicaElectionZNode.encode(partitions)),
      partitions,
    );
    const reassignment = partitions.map((tp) => [tp, [1, 2]] as [typeof tp, number[]]);
    assert.deepEqual(ReassignPartitionsZNode.decode(ReassignPartitionsZNode.encode(reassignment)), reassignment);
    assert.equal(LogDirEventNotificationSequenceZNode.decode(LogDirEventNotificationSequenceZNode.encode(4)), 4);
  });

  test('settings named like properties of objects are settings', () => {
    const config = new Map([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
    assert.deepEqual(ConfigEntityZNode.decode(ConfigEntityZNode.encode(config)), config);
  });

  test('settings come in the order of java.util.Properties', () => {
    const names = [
      'segment.bytes',
      'unclean.leader.election.enable',
      'compression.type',
      'min.insync.replicas',
      'cleanup.policy',
    ];
    assert.deepEqual(
      [...inPropertiesOrder(names.map((name) => [name, ''] as const)).keys()],
      ['compression.type', 'cleanup.policy', 'min.insync.replicas', 'segment.bytes', 'unclean.leader.election.enable'],
    );
    assert.equal(javaHashCode('hello'), 99162322);
  });

  test('thirteen partitions come in the order of a grown Scala hash map', () => {
    const names = Array.from({ length: 13 }, (_, i) => [String(i), i] as const);
    assert.deepEqual([...inScalaMapOrder(names).values()], [11, 12, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  const garbage: [string, () => unknown][] = [
    ['no JSON', () => TopicZNode.decode('t', Buffer.from('{'))],
    ['no object', () => ControllerZNode.decode(Buffer.from('[]'))],
    ['no data', () => TopicPartitionStateZNode.decode(null, 0)],
    ['a missing field', () => TopicPartitionStateZNode.decode(Buffer.from('{"leader":1}'), 0)],
    ['a partition that is no number', () => TopicZNode.decode('t', Buffer.from('{"partitions":{"x":[1]}}'))],
    ['a replica that is no number', () => TopicZNode.decode('t', Buffer.from('{"partitions":{"0":["1"]}}'))],
    ['an epoch that is no number', () => ControllerEpochZNode.decode(Buffer.from('one'))],
    [
      'an endpoint without port',
      () => BrokerIdZNode.decode(1, Buffer.from('{"version":3,"jmx_port":-1,"endpoints":["SSL://h"]}')),
    ],
    ['an unknown resource type', () => AclChangeZNode.decode('literal', Buffer.from('NONSENSE:x'))],
    ['a literal without separator', () => AclChangeZNode.decode('literal', Buffer.from('TOPIC'))],
    ['an unknown feature version', () => FeatureZNode.decode(Buffer.from('{"version":9,"status":1,"features":{}}'))],
  ];
  for (const [what, decode] of garbage) test(`with ${what} are refused`, () => assert.throws(decode, ZnodeFormatError));

  test('names with slashes, stars and spaces are made safe for paths and come back', () => {
    const cases: [string, string][] = [
      ['alice', 'alice'],
      ['CN=a, O=b/c*', 'CN%3Da%2C%20O%3Db%2Fc%2A'],
      ["~!'()", '~%21%27%28%29'],
      ['é€', '%C3%A9%E2%82%AC'],
      ['a.b-c_d', 'a.b-c_d'],
      ['<default>', '%3Cdefault%3E'],
    ];
    for (const [name, sanitized] of cases) {
      assert.equal(sanitize(name), sanitized);
      assert.equal(desanitize(sanitized), name);
    }
    assert.equal(sanitize('a\ud800'), 'a%3F');
  });
});

function parsed(text: string): unknown {
  if (!text.startsWith('{')) return text;
  return JSON.parse(text);
}
