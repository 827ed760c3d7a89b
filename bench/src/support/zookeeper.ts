// Apache Kafka as Ottla is meant to be taken for: a broker that keeps its cluster in ZooKeeper, here one of its own.

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { end, freePort, kafkaOf, newDataDirectory, referenceKafka, type SystemKind } from './system-under-test.ts';
import { until } from './topics.ts';

interface RunningZooKeeper {
  readonly address: string;
  stop(): Promise<void>;
}

/** Does `work` with Apache Kafka `version`, on a ZooKeeper that is there meanwhile; where there is no Kafka, says so. */
export async function withKafka(version: string, work: (kafka: SystemKind) => Promise<unknown>): Promise<void> {
  const { missing } = kafkaOf(version);
  if (missing !== undefined) return console.error(`Kafka is left out: ${missing}`);
  const zooKeeper = await startZooKeeper();
  try {
    await work(kafkaOf(version, zooKeeper.address));
  } finally {
    await zooKeeper.stop();
  }
}

async function startZooKeeper(): Promise<RunningZooKeeper> {
  const port = await freePort();
  const directory = newDataDirectory();
  const child = spawn('bash', [referenceKafka, 'zookeeper', String(port), directory], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await until('ZooKeeper accepts connections', () => accepts(port));
  return {
    address: `127.0.0.1:${port}`,
    stop: async () => {
      await end(child);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
