// A coordinator over in-memory partitions and a clock turned by hand, with short words for what tests say often.

import { Errors, FakeClock, MetricsRegistry, SeededRandom, silentLogger } from '@ottla/base';
import { defaultGroupCoordinatorConfig, type GroupCoordinatorConfig } from '../group-config.ts';
import { GroupCoordinator, type JoinGroupArguments } from '../group-coordinator.ts';
import { OFFSETS_TOPIC } from '../group-partition.ts';
import type { JoinGroupResult } from '../group-results.ts';
import type { MemberOfGeneration } from '../membership.ts';
import type { OffsetAndMetadata, OffsetsByPartition } from '../offset-cache.ts';
import { InMemoryPartitions } from './in-memory-partitions.ts';

export const NOBODY: MemberOfGeneration = { memberId: '', groupInstanceId: null, generationId: -1 };
export const OFFSETS_PARTITION = { topic: OFFSETS_TOPIC, partition: 0 };

export class CoordinatorFixture {
  readonly clock = new FakeClock();
  readonly metrics = new MetricsRegistry(this.clock);
  readonly log: InMemoryPartitions;
  readonly coordinator: GroupCoordinator;

  constructor(config: Partial<GroupCoordinatorConfig> = {}, log = new InMemoryPartitions()) {
    this.log = log;
    this.coordinator = new GroupCoordinator({
      clock: this.clock,
      random: new SeededRandom(1),
      logger: silentLogger,
      config: { ...defaultGroupCoordinatorConfig, groupInitialRebalanceDelayMs: 0, ...config },
      appender: log,
      loader: log,
      metrics: this.metrics,
    });
  }

  /** Started, and coordinator of the one partition. */
  async elected(leaderEpoch = 0): Promise<this> {
    this.coordinator.start(1);
    const loaded = this.coordinator.onElection(0, leaderEpoch);
    await this.clock.advance(0);
    await loaded;
    return this;
  }

  /** Another coordinator that reads what this one wrote. */
  successor(config: Partial<GroupCoordinatorConfig> = {}): CoordinatorFixture {
    return new CoordinatorFixture(config, this.log);
  }

  join(groupId: string, more: Partial<JoinGroupArguments> = {}): Promise<JoinGroupResult> {
    return this.coordinator.joinGroup({
      groupId,
      memberId: '',
      groupInstanceId: null,
      requireKnownMemberId: false,
      supportsSkippingAssignment: true,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('orders') }],
      reason: null,
      ...more,
    });
  }

  /** A stable group of one member. */
  async stableGroup(groupId: string, more: Partial<JoinGroupArguments> = {}): Promise<MemberOfGeneration> {
    const joining = this.join(groupId, more);
    await this.clock.advance(0);
    const { memberId, generationId } = await joining;
    await this.coordinator.syncGroup({
      groupId,
      memberId,
      groupInstanceId: null,
      generationId,
      protocolType: 'consumer',
      protocolName: 'range',
      assignment: new Map([[memberId, Buffer.from('everything')]]),
    });
    return { memberId, generationId, groupInstanceId: more.groupInstanceId ?? null };
  }

  /** What is committed for the partition: an offset, or the error's absence of one. */
  committed(groupId: string, topic: string, partition = 0, requireStable = false): number | string {
    const { offsets, errorCode } = this.coordinator.fetchOffsets(groupId, {
      requireStable,
      topics: new Map([[topic, [partition]]]),
    });
    const fetched = offsets.get(topic)?.get(partition);
    if (errorCode !== Errors.NONE) return `error ${errorCode}`;
    return fetched?.errorCode === Errors.UNSTABLE_OFFSET_COMMIT ? 'unstable' : (fetched?.offset ?? 'nothing');
  }

  offsets(
    topic: string,
    offset: number,
    more: Partial<OffsetAndMetadata> & { partition?: number } = {},
  ): OffsetsByPartition {
    const { partition = 0, ...rest } = more;
    const value: OffsetAndMetadata = {
      offset,
      leaderEpoch: -1,
      metadata: '',
      commitTimestampMs: this.clock.nowMs(),
      expireTimestampMs: -1,
      ...rest,
    };
    return new Map([[topic, new Map([[partition, value]])]]);
  }
}

/** A consumer's subscription to one topic, version 0. */
export function subscription(topic: string): Buffer {
  const name = Buffer.from(topic);
  const header = Buffer.alloc(8);
  header.writeInt32BE(1, 2);
  header.writeInt16BE(name.length, 6);
  return Buffer.concat([header, name, Buffer.from([0xff, 0xff, 0xff, 0xff])]);
}
