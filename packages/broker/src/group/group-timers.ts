// The timers of all groups on the clock. A timer that is put off, as every heartbeat does, costs no new task: its old one fires, sees
// that it is early, and waits for the rest.

import type { Clock, Timer } from '@ottla/base';
import { type GroupTimer, timerKey } from './group-step.ts';

interface Running {
  timer: GroupTimer;
  /** When it is due, on the clock's monotonic scale. */
  dueMs: number;
  /** When the task fires: never later than dueMs. */
  firesMs: number;
  task: Timer;
}

export class GroupTimers {
  readonly #clock: Clock;
  readonly #onDue: (groupId: string, timer: GroupTimer) => void;
  readonly #byGroup = new Map<string, Map<string, Running>>();

  constructor(clock: Clock, onDue: (groupId: string, timer: GroupTimer) => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  schedule(groupId: string, timer: GroupTimer, delayMs: number): void {
    const key = timerKey(timer);
    const dueMs = this.#clock.monotonicMs() + delayMs;
    let timers = this.#byGroup.get(groupId);
    if (timers === undefined) {
      timers = new Map();
      this.#byGroup.set(groupId, timers);
    }
    const running = timers.get(key);
    if (running !== undefined && running.firesMs <= dueMs) {
      running.dueMs = dueMs;
      running.timer = timer;
      return;
    }
    running?.task.cancel();
    timers.set(key, { timer, dueMs, firesMs: dueMs, task: this.#wait(groupId, key, delayMs) });
  }

  cancel(groupId: string, timer: GroupTimer): void {
    const timers = this.#byGroup.get(groupId);
    const key = timerKey(timer);
    timers?.get(key)?.task.cancel();
    timers?.delete(key);
    if (timers?.size === 0) this.#byGroup.delete(groupId);
  }

  cancelAll(groupId: string): void {
    for (const { task } of this.#byGroup.get(groupId)?.values() ?? []) task.cancel();
    this.#byGroup.delete(groupId);
  }

  close(): void {
    for (const groupId of [...this.#byGroup.keys()]) this.cancelAll(groupId);
  }

  #wait(groupId: string, key: string, delayMs: number): Timer {
    return this.#clock.schedule(delayMs, () => this.#fire(groupId, key));
  }

  #fire(groupId: string, key: string): void {
    const running = this.#byGroup.get(groupId)?.get(key);
    if (running === undefined) return;
    const restMs = running.dueMs - this.#clock.monotonicMs();
    if (restMs > 0) {
      running.firesMs = running.dueMs;
      running.task = this.#wait(groupId, key, restMs);
      return;
    }
    this.cancel(groupId, running.timer);
    this.#onDue(groupId, running.timer);
  }
}
