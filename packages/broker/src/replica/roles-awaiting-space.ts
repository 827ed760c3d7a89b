// Roles that a replica could not take because its log found no space. They were accepted from the controller all the same, and are taken
// when there is some; until then the partition answers as if it had not heard of its role yet, and clients try again.

import { type Clock, type Timer, type TopicPartition, TopicPartitionMap } from '@ottla/base';

const RETRY_MS = 1000;

export class RolesAwaitingSpace<Role extends { readonly partition: TopicPartition }> {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  /** The newest of each partition. */
  readonly #roles = new TopicPartitionMap<Role>();
  #timer: Timer | undefined;
  #isClosed = false;

  /** @param onDue is to `take` them and try */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  add(role: Role): void {
    if (this.#isClosed) return;
    this.#roles.set(role.partition, role);
    this.#timer ??= this.#clock.schedule(RETRY_MS, () => {
      this.#timer = undefined;
      this.#onDue();
    });
  }

  take(): Role[] {
    const roles = [...this.#roles.values()];
    this.#roles.clear();
    return roles;
  }

  /** Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }
}
