// Runs the pure core for real: gives each step its moment, and carries out what it leaves behind — answers to the promises that wait,
// timers to the clock, records to the log, lines to the logger.

import { assert, type Clock, type Logger, mustBePresent, type Random } from '@ottla/base';
import type { GroupCoordinatorConfig } from './group-config.ts';
import { onGroupStored, onGroupTimer } from './group-events.ts';
import type { GroupMetadata } from './group-metadata.ts';
import type { GroupMetadataManager } from './group-metadata-manager.ts';
import type { GroupMetrics } from './group-metrics.ts';
import type { JoinGroupResult, SyncGroupResult } from './group-results.ts';
import { type GroupEffect, GroupStep } from './group-step.ts';
import { GroupTimers } from './group-timers.ts';
import { javaUuid } from './java-uuid.ts';
import type { Ticket } from './member-metadata.ts';

export interface GroupRunnerOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly config: GroupCoordinatorConfig;
  readonly manager: GroupMetadataManager;
  readonly metrics: GroupMetrics;
}

export class GroupRunner {
  readonly #options: GroupRunnerOptions;
  readonly #timers: GroupTimers;
  /** Requests that wait for an answer; one or two per member. */
  readonly #waitingJoins = new Map<Ticket, (result: JoinGroupResult) => void>();
  readonly #waitingSyncs = new Map<Ticket, (result: SyncGroupResult) => void>();
  #lastTicket: Ticket = 0;

  constructor(options: GroupRunnerOptions) {
    this.#options = options;
    this.#timers = new GroupTimers(options.clock, (groupId, timer) => {
      const group = options.manager.getGroup(groupId);
      if (group !== undefined) this.run(group, (step) => onGroupTimer(step, group, timer));
    });
  }

  /** One step: `work` changes the group, then its effects happen. */
  run<T>(group: GroupMetadata, work: (step: GroupStep) => T): T {
    const { clock, config, random } = this.#options;
    const step = new GroupStep(clock.nowMs(), config, () => javaUuid(random));
    const result = work(step);
    for (const effect of step.effects) this.#apply(group, effect);
    if (group.state === 'Dead') this.#timers.cancelAll(group.groupId);
    return result;
  }

  /** A step that answers a JoinGroup, now or later. */
  runJoin(group: GroupMetadata, work: (step: GroupStep, ticket: Ticket) => void): Promise<JoinGroupResult> {
    return new Promise((resolve) => {
      const ticket = ++this.#lastTicket;
      this.#waitingJoins.set(ticket, resolve);
      this.run(group, (step) => work(step, ticket));
    });
  }

  /** A step that answers a SyncGroup, now or later. */
  runSync(group: GroupMetadata, work: (step: GroupStep, ticket: Ticket) => void): Promise<SyncGroupResult> {
    return new Promise((resolve) => {
      const ticket = ++this.#lastTicket;
      this.#waitingSyncs.set(ticket, resolve);
      this.run(group, (step) => work(step, ticket));
    });
  }

  /** The group is gone from this broker. */
  forget(groupId: string): void {
    this.#timers.cancelAll(groupId);
  }

  close(): void {
    this.#timers.close();
  }

  #apply(group: GroupMetadata, effect: GroupEffect): void {
    switch (effect.kind) {
      case 'answerJoin':
        answer(this.#waitingJoins, effect.ticket, effect.result);
        break;
      case 'answerSync':
        answer(this.#waitingSyncs, effect.ticket, effect.result);
        break;
      case 'schedule':
        this.#timers.schedule(group.groupId, effect.timer, effect.delayMs);
        break;
      case 'cancel':
        this.#timers.cancel(group.groupId, effect.timer);
        break;
      case 'store':
        void this.#store(group, effect);
        break;
      case 'log':
        this.#options.logger[effect.level](effect.message, { ...effect.fields });
        break;
      default:
        effect satisfies never;
    }
  }

  async #store(group: GroupMetadata, effect: GroupEffect & { kind: 'store' }): Promise<void> {
    const errorCode = await this.#options.manager.storeGroup(group, effect.assignment);
    if (effect.purpose.kind === 'assignment') this.#options.metrics.rebalanceCompleted();
    this.run(group, (step) => onGroupStored(step, group, effect, errorCode));
  }
}

function answer<T>(waiting: Map<Ticket, (result: T) => void>, ticket: Ticket, result: T): void {
  const resolve = mustBePresent(waiting.get(ticket), `request ${ticket}`);
  assert(waiting.delete(ticket), 'a request is answered once');
  resolve(result);
}
