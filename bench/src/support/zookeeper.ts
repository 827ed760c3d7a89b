// A ZooKeeper for Apache Kafka 3.9.1.

import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { connect } from 'node:net';
import { end, freePort, newDataDirectory, referenceKafka } from './system-under-test.ts';
import { until } from './topics.ts';

export interface RunningZooKeeper {
  readonly address: string;
  stop(): Promise<void>;
}

export async function startZooKeeper(): Promise<RunningZooKeeper> {
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
