// A hundred members of ten groups come, go, fall silent and come back. In no generation has a partition two owners, everybody gets exactly
// what its leader planned, and when the storm is over every group settles.

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Errors, errorName, SeededRandom } from '@ottla/base';
import type { RequestClient } from '@ottla/network';
import { describeGroups } from '@ottla/protocol';
import { type Assignor, type Generation, GroupMember } from './support/group-member.ts';
import { connectEventually, connectFor, freePort, RestartableBroker, testSeed } from './support/test-broker.ts';
import { untilReady } from './support/transactions.ts';

const STORM_SECONDS = Number(process.env.OTTLA_STORM_SECONDS ?? 20);
const GROUPS = 10;
const MEMBERS_PER_GROUP = 10;
/** Of each group, that many keep their instance id over all their lives. */
const STATIC_PER_GROUP = 3;
const PARTITIONS = 24;
const SESSION_TIMEOUT_MS = 1500;
const REBALANCE_TIMEOUT_MS = 3000;
const HEARTBEAT_MS = 150;
const SETTLE_MS = 10_000;
/** By then a killed broker's last answers are read. */
const LAST_WORDS_MS = 200;
/** After this everybody knows that the broker was killed. */
const NOTICE_MS = 2000;

/** What is known of one group, across all its members. */
class GroupBook {
  readonly groupId: string;
  /** Generation → partition → who got it. */
  readonly #owners = new Map<number, Map<number, string>>();
  /** Generation → member → the bytes its leader planned for it. */
  readonly #plans = new Map<number, ReadonlyMap<string, Buffer>>();
  /** Generation → how often the broker had been killed when its leader planned. */
  readonly #plannedAfter = new Map<number, number>();
  crashes = 0;
  rebalances = 0;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get generations(): number {
    return this.#plans.size;
  }

  readonly assign: Assignor = (generationId, members) => {
    // A generation that was not written down before a crash may begin again; not so one that anybody is in.
    const isLost = !this.#owners.has(generationId) && this.#plannedAfter.get(generationId) !== this.crashes;
    const isNew = !this.#plans.has(generationId);
    assert.ok(isNew || isLost, `${this.groupId}: generation ${generationId} has two leaders`);
    this.#plannedAfter.set(generationId, this.crashes);
    assert.equal(new Set(members).size, members.length, `${this.groupId}: a member is twice in ${generationId}`);
    const sorted = [...members].sort();
    const plan = new Map(
      sorted.map((member, i) => {
        const mine = Array.from({ length: PARTITIONS }, (_, p) => p).filter((p) => p % sorted.length === i);
        return [member, Buffer.from(JSON.stringify(mine))];
      }),
    );
    this.#plans.set(generationId, plan);
    return plan;
  };

  /** A member learned what it owns. */
  note(name: string, { generationId, assignment }: Generation): void {
    this.rebalances++;
    const planned = this.#plans.get(generationId)?.get(name);
    assert.ok(
      planned,
      `${this.groupId}: ${name} is in generation ${generationId}, and its leader never planned for it`,
    );
    assert.deepEqual(assignment, planned, `${this.groupId}: ${name} got in ${generationId} what nobody planned`);
    const owners = this.#owners.get(generationId) ?? new Map<number, string>();
    this.#owners.set(generationId, owners);
    for (const partition of JSON.parse(assignment.toString()) as number[]) {
      const owner = owners.get(partition) ?? name;
      assert.equal(owner, name, `${this.groupId}: partition ${partition} has two owners in ${generationId}`);
      owners.set(partition, name);
    }
  }
}

interface Tally {
  left: number;
  silenced: number;
  turnedAway: number;
  fenced: number;
  cutOff: number;
  remembered: number;
}

/** The storm, in which the broker may be killed, the calm after it, the end. */
class Weather {
  readonly stormEndMs: number;
  isOver = false;
  crashes = 0;
  /** The broker is down, or has been so lately that somebody may not have noticed. */
  isBroken = false;

  constructor(stormMs: number) {
    this.stormEndMs = Date.now() + stormMs;
  }

  get isCalm(): boolean {
    return Date.now() >= this.stormEndMs;
  }
}

/** A process that is a member, with interruptions. */
class Participant {
  readonly #port: number;
  readonly #book: GroupBook;
  readonly #random: SeededRandom;
  readonly #instanceId: string | null;
  readonly #tally: Tally;
  #client: RequestClient | undefined;
  /** Its former self, when it has an instance id and fell silent. */
  #ghost: GroupMember | undefined;
  /** Its former self, when the broker was killed under it. */
  #survivor: GroupMember | undefined;
  /** What it owns, while it believes so. */
  current: Generation | undefined;

  constructor(options: {
    port: number;
    book: GroupBook;
    random: SeededRandom;
    instanceId: string | null;
    tally: Tally;
  }) {
    this.#port = options.port;
    this.#book = options.book;
    this.#random = options.random;
    this.#instanceId = options.instanceId;
    this.#tally = options.tally;
  }

  /** Lives one life after the other; the last one lasts until all is over. */
  async run(weather: Weather): Promise<void> {
    while (!weather.isOver) {
      const client = await connectEventually(this.#port);
      this.#client = client;
      const member = this.#survivor ?? this.#newMember(client);
      this.#survivor = undefined;
      member.reconnect(client);
      try {
        await this.#liveAndDie(member, weather);
      } catch (error) {
        if (error instanceof assert.AssertionError || !weather.isBroken) throw error;
        this.#tally.cutOff++;
        this.#survivor = member;
      }
    }
  }

  #newMember(client: RequestClient): GroupMember {
    return new GroupMember(client, {
      groupId: this.#book.groupId,
      groupInstanceId: this.#instanceId,
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
    });
  }

  async #liveAndDie(member: GroupMember, weather: Weather): Promise<void> {
    const deathMs = Math.min(Date.now() + this.#random.nextInt(6000), weather.stormEndMs);
    const isLast = weather.isCalm;
    const isOver = () => (isLast ? weather.isOver : Date.now() >= deathMs);
    // Whoever owned something when the broker was killed still does, until a heartbeat says otherwise.
    if (this.current) await this.#beatOn(member);
    if (this.current) await this.#beatWhileFine(member, isOver);
    await this.#live(member, isOver);
    if (!weather.isOver) await this.#die(member);
    if (!weather.isCalm) await sleep(this.#random.nextInt(1500));
  }

  close(): void {
    this.#client?.close();
  }

  async #live(member: GroupMember, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      this.current = undefined;
      const result = await member.rebalance(this.#book.assign);
      if (typeof result === 'number') {
        this.#tally.turnedAway++;
        await sleep(this.#random.nextInt(20));
        continue;
      }
      this.current = result;
      this.#book.note(this.#instanceId ?? result.memberId, result);
      await this.#haunt();
      await this.#beatWhileFine(member, isOver);
    }
  }

  /** Who held this instance id before and only fell silent must find itself replaced. */
  async #haunt(): Promise<void> {
    if (!this.#ghost || !this.#client) return;
    this.#ghost.reconnect(this.#client);
    const ghost = this.#ghost;
    const code = await untilReady(() => ghost.beat());
    assert.equal(errorName(code), 'FENCED_INSTANCE_ID', `${this.#book.groupId}: the old one still beats`);
    this.#ghost = undefined;
    this.#tally.fenced++;
  }

  /** After a crash: whom SyncGroup was answered before it, the group still knows. */
  async #beatOn(member: GroupMember): Promise<void> {
    const code = await untilReady(() => member.beat());
    this.#tally.remembered++;
    if (code === Errors.NONE) return;
    assert.equal(errorName(code), 'REBALANCE_IN_PROGRESS', `${this.#book.groupId}: a member was forgotten`);
    this.current = undefined;
  }

  async #beatWhileFine(member: GroupMember, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      await sleep(HEARTBEAT_MS);
      if ((await member.beat()) !== Errors.NONE) return;
      // Now and then it wants a rebalance for no reason, as after a new subscription.
      if (this.#random.nextInt(60) === 0) return;
    }
  }

  async #die(member: GroupMember): Promise<void> {
    this.current = undefined;
    if (member.hasJoined && this.#random.nextInt(2) === 0) {
      this.#tally.left++;
      const code = await untilReady(() => member.leave());
      assert.ok(code === Errors.NONE || code === Errors.UNKNOWN_MEMBER_ID, `LeaveGroup answered ${errorName(code)}`);
    } else {
      this.#tally.silenced++;
      if (this.#instanceId !== null && member.hasJoined) this.#ghost = member;
    }
    this.close();
  }
}

/** Waits until every group is stable, with exactly the members that believe to be in it, and every partition with one of them. */
async function settle(client: RequestClient, groups: Map<string, Participant[]>, deadlineMs: number): Promise<void> {
  for (;;) {
    const problem = await whatIsUnsettled(client, groups);
    if (problem === undefined) return;
    assert.ok(Date.now() < deadlineMs, `${SETTLE_MS} ms after the storm: ${problem}`);
    await sleep(100);
  }
}

async function whatIsUnsettled(client: RequestClient, groups: Map<string, Participant[]>): Promise<string | undefined> {
  const request = { groups: [...groups.keys()], includeAuthorizedOperations: false };
  for (const { groupId, groupState, members } of (await client.send(describeGroups, request, 5)).groups) {
    if (groupState !== 'Stable') return `${groupId} is ${groupState}`;
    const current = (groups.get(groupId) ?? []).map(({ current }) => current);
    const generations = new Set(current.map((each) => each?.generationId));
    if (generations.size !== 1) return `${groupId} has members in generations ${[...generations]}`;
    const described = members.map(({ memberId }) => memberId).sort();
    const believed = current.map((each) => each?.memberId ?? '').sort();
    if (described.join() !== believed.join()) return `${groupId} has members that nobody is`;
    const owned = current.flatMap((each) => JSON.parse(String(each?.assignment ?? '[]')) as number[]);
    if (owned.length !== PARTITIONS || new Set(owned).size !== PARTITIONS) return `${groupId} owns ${owned}`;
  }
  return undefined;
}

function participants(t: TestContext, port: number, random: SeededRandom, tally: Tally) {
  const books = Array.from({ length: GROUPS }, (_, g) => new GroupBook(`storm-${process.pid}-${g}`));
  const groups = new Map(
    books.map((book) => {
      const members = Array.from({ length: MEMBERS_PER_GROUP }, (_, m) => {
        const instanceId = m < STATIC_PER_GROUP ? `instance-${m}` : null;
        return new Participant({ port, book, random: new SeededRandom(random.nextUint32()), instanceId, tally });
      });
      return [book.groupId, members];
    }),
  );
  t.after(() => {
    for (const member of [...groups.values()].flat()) member.close();
  });
  return { books, groups };
}

/** The broker to storm at: ours, which may be killed, or the one that is there. */
async function brokerFor(t: TestContext): Promise<{ port: number; kill?: (onDead: () => void) => Promise<void> }> {
  const given = process.env.OTTLA_TEST_BROKER;
  if (given !== undefined) return { port: Number(given) };
  const config = { 'group.min.session.timeout.ms': '1000' };
  const port = await freePort();
  const broker = new RestartableBroker(t, { name: 'storm', port, config });
  await broker.start();
  const kill = async (onDead: () => void) => {
    await broker.end('SIGKILL');
    // What it said last is still in the sockets, and belongs to the time before.
    await sleep(LAST_WORDS_MS);
    onDead();
    await broker.start();
  };
  return { port, kill };
}

async function killInTheMiddle(
  weather: Weather,
  books: readonly GroupBook[],
  kill: (onDead: () => void) => Promise<void>,
) {
  await sleep((STORM_SECONDS * 1000) / 2);
  weather.isBroken = true;
  await kill(() => {
    weather.crashes++;
    for (const book of books) book.crashes = weather.crashes;
  });
  await sleep(NOTICE_MS);
  weather.isBroken = false;
}

test(`gives no partition to two owners while ${GROUPS * MEMBERS_PER_GROUP} members storm for ${STORM_SECONDS} s`, {
  timeout: (STORM_SECONDS + 60) * 1000,
}, async (t) => {
  const seed = testSeed();
  t.diagnostic(`seed ${seed}`);
  const broker = await brokerFor(t);
  const tally: Tally = { left: 0, silenced: 0, turnedAway: 0, fenced: 0, cutOff: 0, remembered: 0 };
  const { books, groups } = participants(t, broker.port, new SeededRandom(seed), tally);

  const weather = new Weather(STORM_SECONDS * 1000);
  const lives = [...groups.values()].flat().map((each) => each.run(weather));
  const settling = (async () => {
    if (broker.kill) await killInTheMiddle(weather, books, broker.kill);
    await sleep(weather.stormEndMs - Date.now());
    const observer = await connectFor(t, broker.port);
    await settle(observer, groups, weather.stormEndMs + SETTLE_MS);
    t.diagnostic(`every group was stable ${Date.now() - weather.stormEndMs} ms after the storm`);
    weather.isOver = true;
  })();
  await Promise.all([settling, ...lives]);

  const sum = (pick: (book: GroupBook) => number) => books.reduce((total, book) => total + pick(book), 0);
  t.diagnostic(
    `${sum((book) => book.generations)} generations, ${sum((book) => book.rebalances)} times somebody was given something`,
  );
  t.diagnostic(
    `${tally.left} left, ${tally.silenced} fell silent, ${tally.fenced} fenced, ${tally.turnedAway} times turned away, ${tally.cutOff} cut off by kill -9, of which ${tally.remembered} went on`,
  );
  assert.ok(sum((book) => book.generations) > (GROUPS * STORM_SECONDS) / 4, 'hardly a storm');
});
