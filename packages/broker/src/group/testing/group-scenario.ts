// Plays a transcript against the pure core of one group, with time turned by hand: lines that begin with ">" are commands, the lines
// below them what came of it. `playTranscript` returns the transcript with the results filled in, so that a test compares the whole
// text, and a change of behaviour shows as a diff one can read.
//
//   > join NAME [id=ID] [instance=I] [protocols=range:meta,roundrobin] [session=10s] [rebalance=60s] [type=T] [old] [skip] [why=R]
//   > sync ID GEN [assign=ID:x,ID:y] [instance=I] [name=PROTOCOL] [type=T]
//   > heartbeat ID GEN [instance=I]        > leave ID|- [instance=I]        > commit ID GEN [txn]
//   > wait 10s        > hold (stores wait)        > stored NONE|ERROR        > state        > unload        > load

import { assert, type ErrorCode, type ErrorName, Errors, errorName, mustBePresent } from '@ottla/base';
import { defaultGroupCoordinatorConfig, type GroupCoordinatorConfig } from '../group-config.ts';
import { onGroupStored, onGroupTimer } from '../group-events.ts';
import { GroupMetadata } from '../group-metadata.ts';
import type { JoinGroupResult, SyncGroupResult } from '../group-results.ts';
import { type GroupEffect, GroupStep, type GroupTimer, timerKey } from '../group-step.ts';
import { joinGroup } from '../join-group.ts';
import { admitOffsetCommit, heartbeat, leaveGroup, validateOffsetCommit } from '../membership.ts';
import { onGroupLoaded, onGroupUnloaded } from '../rebalance.ts';
import { syncGroup } from '../sync-group.ts';

type Store = GroupEffect & { kind: 'store' };
type Options = ReadonlyMap<string, string>;

export function playTranscript(transcript: string, config: Partial<GroupCoordinatorConfig> = {}): string {
  const scenario = new GroupScenario({ ...defaultGroupCoordinatorConfig, ...config });
  return commandsOf(transcript)
    .flatMap((command) => [`> ${command}`, ...scenario.play(command)])
    .join('\n');
}

/** The transcript as `playTranscript` writes it: without indentation and empty lines. */
export function normalTranscript(transcript: string): string {
  return linesOf(transcript).join('\n');
}

function linesOf(transcript: string): string[] {
  return transcript
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function commandsOf(transcript: string): string[] {
  return linesOf(transcript)
    .filter((line) => line.startsWith('>'))
    .map((line) => line.slice(1).trim());
}

export class GroupScenario {
  readonly #config: GroupCoordinatorConfig;
  readonly group: GroupMetadata;
  #nowMs = 0;
  #uuidCount = 0;
  readonly #names = new Map<number, string>();
  readonly #open = new Set<number>();
  readonly #timers = new Map<string, { dueMs: number; timer: GroupTimer }>();
  readonly #stores: Store[] = [];
  #holdsStores = false;
  #out: string[] = [];

  constructor(config: GroupCoordinatorConfig) {
    this.#config = config;
    this.group = new GroupMetadata('g', 0);
  }

  /** Requests that wait for their answer. */
  get openRequestCount(): number {
    return this.#open.size;
  }

  /** Records on their way to the log. */
  get openStoreCount(): number {
    return this.#stores.length;
  }

  /** @returns what came of it */
  play(command: string): string[] {
    this.#out = [];
    const [verb = '', ...words] = command.split(' ');
    const positional = words.filter((word) => !word.includes('='));
    const options = new Map(words.filter((word) => word.includes('=')).map(splitOption));
    this.#perform(verb, positional, options);
    return this.#out;
  }

  #perform(verb: string, words: readonly string[], options: Options): void {
    switch (verb) {
      case 'join':
        this.#join(words, options);
        break;
      case 'sync':
        this.#sync(words, options);
        break;
      case 'heartbeat':
        this.#step((step) => this.#say(errorName(heartbeat(step, this.group, this.#sender(words, options)))));
        break;
      case 'commit':
        this.#step((step) => this.#say(errorName(this.#commit(step, words, options))));
        break;
      case 'leave':
        this.#leave(words, options);
        break;
      case 'wait':
        this.#wait(milliseconds(words[0] ?? ''));
        break;
      case 'hold':
        this.#holdsStores = true;
        return;
      case 'stored':
        this.#stored(Errors[(words[0] ?? '') as ErrorName]);
        break;
      case 'state':
        this.#say(this.#describe());
        break;
      case 'load':
        this.#step((step) => onGroupLoaded(step, this.group));
        break;
      case 'unload':
        this.#timers.clear();
        this.#step((step) => onGroupUnloaded(step, this.group, Errors.NOT_COORDINATOR));
        break;
      default:
        assert(false, `no such command: ${verb}`);
    }
  }

  #join(words: readonly string[], options: Options): void {
    const name = words[0] ?? '';
    const instance = options.get('instance') ?? null;
    const isOld = words.includes('old');
    this.#step((step) =>
      joinGroup(step, this.group, {
        ticket: this.#ticket(name),
        memberId: options.get('id') ?? '',
        groupInstanceId: instance,
        requireKnownMemberId: !isOld && instance === null,
        supportsSkippingAssignment: words.includes('skip'),
        clientId: name,
        clientHost: '/127.0.0.1',
        rebalanceTimeoutMs: milliseconds(options.get('rebalance') ?? '60s'),
        sessionTimeoutMs: milliseconds(options.get('session') ?? '10s'),
        protocolType: options.get('type') ?? 'consumer',
        protocols: protocolsOf(options.get('protocols') ?? 'range'),
        reason: options.get('why') ?? null,
      }),
    );
  }

  #sync(words: readonly string[], options: Options): void {
    const [memberId = '', generation = ''] = words;
    this.#step((step) =>
      syncGroup(step, this.group, {
        ticket: this.#ticket(memberId),
        memberId,
        groupInstanceId: options.get('instance') ?? null,
        generationId: Number(generation),
        protocolType: options.get('type') ?? null,
        protocolName: options.get('name') ?? null,
        assignment: new Map(protocolsOf(options.get('assign') ?? '').map(({ name, metadata }) => [name, metadata])),
      }),
    );
  }

  #sender(words: readonly string[], options: Options) {
    const [memberId = '', generation = ''] = words;
    return {
      memberId: memberId === '-' ? '' : memberId,
      generationId: Number(generation),
      groupInstanceId: options.get('instance') ?? null,
    };
  }

  #commit(step: GroupStep, words: readonly string[], options: Options): ErrorCode {
    const sender = this.#sender(words, options);
    const isTransactional = words.includes('txn');
    const errorCode = validateOffsetCommit(this.group, sender, isTransactional);
    return errorCode === Errors.NONE && !isTransactional ? admitOffsetCommit(step, this.group, sender) : errorCode;
  }

  #leave(words: readonly string[], options: Options): void {
    const members = words.map((word) => ({
      memberId: word === '-' ? '' : word,
      groupInstanceId: options.get('instance') ?? null,
      reason: null,
    }));
    this.#step((step) => {
      const result = leaveGroup(step, this.group, members);
      this.#say([result.errorCode, ...result.members.map((member) => member.errorCode)].map(errorName).join(' '));
    });
  }

  #wait(forMs: number): void {
    const untilMs = this.#nowMs + forMs;
    for (let due = this.#nextDue(untilMs); due !== undefined; due = this.#nextDue(untilMs)) {
      const { dueMs, timer } = due;
      this.#nowMs = dueMs;
      this.#timers.delete(timerKey(timer));
      this.#step((step) => onGroupTimer(step, this.group, timer));
    }
    this.#nowMs = untilMs;
  }

  #nextDue(untilMs: number): { dueMs: number; timer: GroupTimer } | undefined {
    let first: { dueMs: number; timer: GroupTimer } | undefined;
    for (const entry of this.#timers.values()) {
      if (entry.dueMs <= untilMs && (first === undefined || entry.dueMs < first.dueMs)) first = entry;
    }
    return first;
  }

  #stored(errorCode: ErrorCode): void {
    const store = mustBePresent(this.#stores.shift(), 'a store that waits');
    this.#step((step) => onGroupStored(step, this.group, store, errorCode));
  }

  #step(run: (step: GroupStep) => void): void {
    const step = new GroupStep(this.#nowMs, this.#config, () => String(++this.#uuidCount));
    run(step);
    for (const effect of step.effects) this.#apply(effect);
  }

  #apply(effect: GroupEffect): void {
    switch (effect.kind) {
      case 'answerJoin':
        this.#answer(effect.ticket, joinText(effect.result));
        break;
      case 'answerSync':
        this.#answer(effect.ticket, syncText(effect.result));
        break;
      case 'schedule':
        this.#timers.set(timerKey(effect.timer), { dueMs: this.#nowMs + effect.delayMs, timer: effect.timer });
        return;
      case 'cancel':
        this.#timers.delete(timerKey(effect.timer));
        return;
      case 'store':
        this.#store(effect);
        break;
      case 'log':
        return;
      default:
        effect satisfies never;
    }
  }

  #store(effect: Store): void {
    const assigned = [...effect.assignment].map(([memberId, bytes]) => `${memberId}:${bytes}`).join(',');
    this.#say(`store ${effect.purpose.kind}${assigned === '' ? '' : ` ${assigned}`}`);
    this.#stores.push(effect);
    if (!this.#holdsStores) this.#stored(Errors.NONE);
  }

  #ticket(name: string): number {
    const ticket = this.#names.size + 1;
    this.#names.set(ticket, name);
    this.#open.add(ticket);
    return ticket;
  }

  #answer(ticket: number, text: string): void {
    assert(this.#open.delete(ticket), `request ${ticket} of ${this.#names.get(ticket)} is answered twice`);
    this.#say(`${this.#names.get(ticket)} ← ${text}`);
  }

  #say(text: string): void {
    this.#out.push(this.#nowMs === 0 ? text : `${this.#nowMs / 1000}s ${text}`);
  }

  #describe(): string {
    const { state, generationId, protocolName, leader } = this.group;
    const members = this.group.members().map((member) => member.memberId);
    const pending = [...this.group.pendingMembers];
    const tail = pending.length === 0 ? '' : ` pending=${pending.join(',')}`;
    return `${state} gen=${generationId} protocol=${protocolName} leader=${leader} members=${members.join(',')}${tail}`;
  }
}

function joinText(result: JoinGroupResult): string {
  const { errorCode, memberId } = result;
  if (errorCode !== Errors.NONE) return `join ${errorName(errorCode)}${memberId === '' ? '' : ` id=${memberId}`}`;
  const members = result.members.map((member) => `${member.memberId}:${member.metadata}`).join(',');
  const skip = result.skipAssignment ? ' skipAssignment' : '';
  const text = `join gen=${result.generationId} id=${memberId} leader=${result.leader} protocol=${result.protocolName}`;
  return `${text}${members === '' ? '' : ` members=${members}`}${skip}`;
}

function syncText(result: SyncGroupResult): string {
  if (result.errorCode !== Errors.NONE) return `sync ${errorName(result.errorCode)}`;
  return `sync ${result.protocolType}/${result.protocolName} assignment=${result.assignment}`;
}

function protocolsOf(text: string): { name: string; metadata: Buffer }[] {
  if (text === '') return [];
  return text.split(',').map((entry) => {
    const [name = '', metadata = ''] = entry.split(':');
    return { name, metadata: Buffer.from(metadata) };
  });
}

function splitOption(word: string): [string, string] {
  const at = word.indexOf('=');
  return [word.slice(0, at), word.slice(at + 1)];
}

function milliseconds(text: string): number {
  return text.endsWith('ms') ? Number(text.slice(0, -2)) : Number(text.slice(0, -1)) * 1000;
}
