// A real disk that fills up under producers: a tmpfs of 64 MiB. What was refused is refused with KAFKA_STORAGE_ERROR and is not there, what
// was acked is, nothing is there by half, and with space the same process serves again; so does the next one after a kill or a stop on the
// full disk. Needs root and the right to mount. OTTLA_DISK_FULL_CYCLES raises the count (default 2, 20 take two minutes).

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Errors, errorName } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { type BrokerProcess, startBrokerProcess } from './support/broker-process.ts';
import { SmallDisk, skipWithoutMount } from './support/small-disk.ts';
import {
  batchOf,
  commitOffset,
  connectedTo,
  createTopicsOn,
  findCoordinatorOf,
  produceTo,
  readAll,
} from './support/wire.ts';

const CYCLES = Number(process.env.OTTLA_DISK_FULL_CYCLES ?? 2);
const MIB = 1 << 20;
/** What the producers find free; the acked records of all cycles fit the disk. */
const FREE_BYTES = Math.min(MIB, Math.floor((20 * MIB) / CYCLES));
const REFUSALS = 30;
const BACK_WITHIN_MS = 10_000;

/** How one producer writes. */
interface Load {
  readonly topic: string;
  readonly recordsPerBatch: number;
  readonly valueBytes: number;
  /** Requests on their way at a time. */
  readonly inFlight: number;
}

/** Large requests one by one; small ones that reach the broker together. */
const LOADS: readonly Load[] = [
  { topic: 'large', recordsPerBatch: 20, valueBytes: 2000, inFlight: 1 },
  { topic: 'small', recordsPerBatch: 1, valueBytes: 300, inFlight: 20 },
];

function valuesOf({ recordsPerBatch, valueBytes }: Load, name: string): string[] {
  return Array.from({ length: recordsPerBatch }, (_, index) => `${name}-${index}-`.padEnd(valueBytes, 'x'));
}

/** A disk of its own with a broker on it, and what that broker acked. */
class FullDisk {
  readonly space: SmallDisk;
  readonly acked = new Map<string, string[]>(LOADS.map(({ topic }) => [topic, []]));
  refusals = 0;
  #names = 0;
  #broker: BrokerProcess | undefined;

  constructor(t: TestContext, sizeInBytes: number) {
    t.after(() => this.#broker?.end('SIGKILL'));
    this.space = new SmallDisk(t, sizeInBytes);
  }

  get broker(): BrokerProcess {
    assert.ok(this.#broker !== undefined);
    return this.#broker;
  }

  get hasCleanMarker(): boolean {
    return existsSync(join(this.space.logDir, '.kafka_cleanshutdown'));
  }

  async start(): Promise<void> {
    const { logDir } = this.space;
    const config = {
      'log.segment.bytes': String(MIB / 4),
      'log.dirs': logDir,
      'offsets.topic.num.partitions': '1',
      'offsets.topic.replication.factor': '1',
    };
    this.#broker = await startBrokerProcess({ dataDirectory: logDir, config });
  }

  connected<Result>(work: (client: RequestClient) => Promise<Result>): Promise<Result> {
    return connectedTo(this.broker.port, work);
  }

  /** Writes flat out until the broker has refused `REFUSALS` times. */
  async produceUntilFull(load: Load): Promise<void> {
    let refusals = 0;
    await this.connected(async (client) => {
      const writeOn = async (): Promise<void> => {
        while (refusals < REFUSALS) if (!(await this.#produce(client, load))) refusals++;
      };
      await Promise.all(Array.from({ length: load.inFlight }, writeOn));
    });
    this.refusals += refusals;
  }

  /** @returns whether it was acked; anything but that and KAFKA_STORAGE_ERROR fails the test, a connection that breaks included */
  async #produce(client: RequestClient, load: Load): Promise<boolean> {
    const values = valuesOf(load, String(this.#names++));
    const { errorCode } = await produceTo(client, { topic: load.topic, partition: 0 }, batchOf(values), 1);
    if (errorCode === Errors.NONE) this.acked.get(load.topic)?.push(...values);
    else assert.equal(errorName(errorCode), 'KAFKA_STORAGE_ERROR');
    return errorCode === Errors.NONE;
  }

  /** Every record that was acked is there once, in order, and nothing that was refused. */
  async verify(when: string): Promise<void> {
    await this.connected(async (client) => {
      for (const [topic, acked] of this.acked) {
        const found = (await readAll(client, { topic, partition: 0 })).map(({ value }) => String(value));
        const different = found.findIndex((value, index) => value !== acked[index]);
        assert.deepEqual([found.length, different], [acked.length, -1], `${topic} ${when}`);
      }
    });
  }

  async serves(): Promise<void> {
    await this.connected(async (client) => {
      for (const load of LOADS) assert.ok(await this.#produce(client, load), `${load.topic}: the service is not back`);
    });
  }

  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    return this.broker.end(signal);
  }
}

/** Asks until the answer is `wanted`: clients do. */
async function eventually(ask: () => Promise<number>, wanted: number): Promise<void> {
  const deadlineMs = Date.now() + BACK_WITHIN_MS;
  for (;;) {
    const code = await ask();
    if (code === wanted) return;
    assert.ok(Date.now() < deadlineMs, `still ${errorName(code)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function timesIn(text: string, part: string): number {
  return text.split(part).length - 1;
}

const needsMount = { skip: skipWithoutMount(), timeout: 1_800_000 };

test(
  `a disk fills up under producers ${CYCLES} times, and each time the same process goes on, then the next`,
  needsMount,
  async (t) => {
    const disk = new FullDisk(t, 64 * MIB);
    await disk.start();
    const offsetsOf = { topic: 'large', partition: 0 };
    await disk.connected(async (client) => {
      await createTopicsOn(client, [...disk.acked.keys()], 1);
      await eventually(() => findCoordinatorOf(client, 'group', 'group'), Errors.NONE);
      await eventually(() => commitOffset(client, 'group', offsetsOf, 0), Errors.NONE);
    });
    const fill = async (): Promise<void> => {
      disk.space.shrinkTo(FREE_BYTES);
      await Promise.all(LOADS.map((load) => disk.produceUntilFull(load)));
      disk.space.fillRest();
    };
    let stops = 0;
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const { pid } = disk.broker;
      await fill();
      await disk.verify(`while the disk is full in cycle ${cycle}`);
      // A coordinator's log and the tree need space as well: the one refuses, the other waits.
      const late = `late-${cycle}`;
      const created = disk.connected(async (client) => {
        // Of what is committed some fits into the page that is begun.
        for (let i = 0; i < 100; i++) {
          const code = await commitOffset(client, 'group', offsetsOf, i);
          assert.ok(code === Errors.NONE || code === Errors.NOT_COORDINATOR, errorName(code));
        }
        await createTopicsOn(client, [late], 20);
      });
      await disk.verify(`before there is space in cycle ${cycle}`);
      disk.space.giveBack();
      await disk.serves();
      await created;
      await disk.connected(async (client) => {
        await eventually(() => commitOffset(client, 'group', offsetsOf, 1000 + cycle), Errors.NONE);
        const produce = async () =>
          (await produceTo(client, { topic: late, partition: 19 }, batchOf(['x']), 1)).errorCode;
        await eventually(produce, Errors.NONE);
      });
      assert.equal(disk.broker.pid, pid);
      await disk.verify(`after the same process went on in cycle ${cycle}`);

      await fill();
      const told = timesIn(disk.broker.output(), 'a log dir has no space left');
      assert.ok(told >= 1 && told <= 2, `told ${told} times of 2 episodes`);
      assert.equal(timesIn(disk.broker.output(), 'goes offline'), 0);
      if (cycle % 2 === 0) {
        await disk.end('SIGKILL');
      } else {
        await disk.end('SIGTERM');
        assert.equal(disk.hasCleanMarker, false, 'a clean marker over what could not be written');
        stops++;
      }
      disk.space.giveBack();
      await disk.start();
      await disk.verify(`after a restart in cycle ${cycle}`);
      await disk.serves();
    }
    assert.equal(await disk.end('SIGTERM'), 0);
    assert.ok(disk.hasCleanMarker);
    const total = [...disk.acked.values()].flat().length;
    t.diagnostic(
      `${2 * CYCLES} times full, ${total} records acked and there, ${disk.refusals} requests refused, ${CYCLES} times the same process went on, ` +
        `${CYCLES - stops} kills and ${stops} stops on the full disk`,
    );
  },
);

test(
  'small requests that are written together while there is plenty of space are refused one by one when there is none',
  needsMount,
  async (t) => {
    const disk = new FullDisk(t, 80 * MIB);
    await disk.start();
    await disk.connected((client) => createTopicsOn(client, [...disk.acked.keys()], 1));
    const { pid } = disk.broker;
    await Promise.all(LOADS.map((load) => disk.produceUntilFull(load)));
    await disk.verify('while the disk is full');
    disk.space.grow(90 * MIB);
    await disk.serves();
    assert.equal(disk.broker.pid, pid);
    await disk.end('SIGKILL');
    await disk.start();
    await disk.verify('after a kill');
    t.diagnostic(
      `${[...disk.acked.values()].flat().length} records acked and there, ${disk.refusals} requests refused`,
    );
  },
);
