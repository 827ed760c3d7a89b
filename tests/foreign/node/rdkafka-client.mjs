// node-rdkafka against a broker: `node rdkafka-client.mjs BOOTSTRAP TOPIC_PREFIX before|after`. The same as the Python clients; see there.
// NODE_RDKAFKA names the folder that node-rdkafka was installed into.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

const require = createRequire(join(process.env.NODE_RDKAFKA ?? '.', 'package.json'));
const Kafka = require('node-rdkafka');

const COUNT = 200;
/** It has those whose libraries were there when it was compiled. */
const CODECS = ['none', ...['gzip', 'snappy', 'lz4', 'zstd'].filter((codec) => Kafka.features.includes(codec))];
const DEADLINE_MS = 60_000;

const [bootstrap = '', prefix = '', phase] = process.argv.slice(2);
const topics = { codecs: `${prefix}codecs`, group: `${prefix}group` };
const groupId = `${prefix}members`;

function values(name, count) {
  return Array.from({ length: count }, (_, i) => `${name}-${i}`);
}

async function createTopic(topic, partitionCount) {
  const admin = Kafka.AdminClient.create({ 'bootstrap.servers': bootstrap });
  const create = promisify(admin.createTopic.bind(admin));
  await create({ topic, num_partitions: partitionCount, replication_factor: 1 });
  admin.disconnect();
}

async function produce(topic, codec, all) {
  const producer = new Kafka.HighLevelProducer({ 'bootstrap.servers': bootstrap, 'compression.codec': codec });
  await promisify(producer.connect.bind(producer))({});
  const send = promisify(producer.produce.bind(producer));
  await Promise.all(all.map((value) => send(topic, null, Buffer.from(value), Buffer.from(value), Date.now())));
  await promisify(producer.disconnect.bind(producer))();
}

/** A consumer that notes what it sees. As a member of a group it commits what it saw before it gives partitions away. */
class Reader {
  seen = [];
  assignedCount = 0;
  #next = new Map();

  constructor(group) {
    const common = { 'bootstrap.servers': bootstrap, 'group.id': group, 'enable.auto.commit': false };
    const rebalance = (error, assignment) => this.#onRebalance(error, assignment);
    this.consumer = new Kafka.KafkaConsumer(
      { ...common, rebalance_cb: rebalance },
      { 'auto.offset.reset': 'earliest' },
    );
    this.consumer.on('data', ({ topic, partition, offset, value }) => {
      this.seen.push(String(value));
      this.#next.set(`${topic}/${partition}`, { topic, partition, offset: offset + 1 });
    });
  }

  async start(choose) {
    await promisify(this.consumer.connect.bind(this.consumer))({});
    choose(this.consumer);
    this.consumer.consume();
  }

  commit() {
    if (this.#next.size > 0) this.consumer.commitSync([...this.#next.values()]);
    this.#next.clear();
  }

  async stop() {
    await promisify(this.consumer.disconnect.bind(this.consumer))();
  }

  #onRebalance(error, assignment) {
    if (error.code === Kafka.CODES.ERRORS.ERR__ASSIGN_PARTITIONS) {
      this.assignedCount = assignment.length;
      this.consumer.assign(assignment);
    } else {
      this.commit();
      this.assignedCount = 0;
      this.consumer.unassign();
    }
  }
}

async function until(what, condition) {
  const deadline = Date.now() + DEADLINE_MS;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `timed out: ${what}`);
    await sleep(50);
  }
}

async function checkCodecs() {
  await createTopic(topics.codecs, 1);
  const expected = [];
  for (const codec of CODECS) {
    const all = values(codec, COUNT);
    await produce(topics.codecs, codec, all);
    expected.push(...all);
  }
  const reader = new Reader(`${prefix}alone`);
  await reader.start((consumer) => consumer.assign([{ topic: topics.codecs, partition: 0, offset: 0 }]));
  await until('every codec is read', () => reader.seen.length >= expected.length);
  await reader.stop();
  assert.deepEqual(reader.seen, expected);
  console.log('ok codecs');
}

async function checkGroup() {
  await createTopic(topics.group, 4);
  await produce(topics.group, 'gzip', values('first', COUNT));
  const join = (consumer) => consumer.subscribe([topics.group]);
  const first = new Reader(groupId);
  await first.start(join);
  await until('the first member has all partitions', () => first.assignedCount === 4);
  const second = new Reader(groupId);
  await second.start(join);
  await until('the two share', () => first.assignedCount === 2 && second.assignedCount === 2);
  await until('all is read', () => new Set([...first.seen, ...second.seen]).size === COUNT);
  second.commit();
  await second.stop();
  await until('the first has all again', () => first.assignedCount === 4);
  first.commit();
  await first.stop();
  console.log('ok group');
}

async function checkResume() {
  const wanted = values('second', 10);
  await produce(topics.group, 'none', wanted);
  const reader = new Reader(groupId);
  await reader.start((consumer) => consumer.subscribe([topics.group]));
  await until('the new records are read', () => reader.seen.length >= wanted.length);
  reader.commit();
  await reader.stop();
  assert.deepEqual(reader.seen.sort(), wanted.sort());
  console.log('ok resume');
}

if (phase === 'before') {
  await checkCodecs();
  await checkGroup();
} else {
  await checkResume();
}
process.exit(0);
