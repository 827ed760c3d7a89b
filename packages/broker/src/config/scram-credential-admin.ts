// SCRAM credentials of users in the tree: what a server needs to check a password, not the password.
// Source: kafka.server.ZkAdminManager (3.9), org.apache.kafka.common.security.scram.internals.ScramCredentialUtils, RFC 5802, KIP-554.
// One thing is as in KRaft mode, since tools look for it: a user may appear once in a request, whatever the mechanism.

import { createHash, createHmac } from 'node:crypto';
import { type ErrorCode, Errors } from '@ottla/base';
import { desanitize, sanitize } from '@ottla/coordination';
import { type ConfigStore, DEFAULT_ENTITY_NAME } from './config-store.ts';

interface Mechanism {
  /** On the wire. */
  readonly number: number;
  /** In the tree. */
  readonly name: 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly hash: 'sha256' | 'sha512';
}

const MECHANISMS: readonly Mechanism[] = [
  { number: 1, name: 'SCRAM-SHA-256', hash: 'sha256' },
  { number: 2, name: 'SCRAM-SHA-512', hash: 'sha512' },
];
const ITERATIONS_MIN = 4096;
/** More would let a client make the broker work for long. */
const ITERATIONS_MAX = 16384;

export interface ScramDeletion {
  readonly name: string;
  readonly mechanism: number;
}

export interface ScramUpsertion extends ScramDeletion {
  readonly iterations: number;
  readonly salt: Buffer;
  readonly saltedPassword: Buffer;
}

export interface ScramResult {
  readonly user: string;
  readonly errorCode: ErrorCode;
  /** Empty where nothing is wrong. */
  readonly errorMessage: string;
}

export interface ScramDescription extends ScramResult {
  readonly credentialInfos: readonly { mechanism: number; iterations: number }[];
}

export class ScramCredentialAdmin {
  readonly #store: ConfigStore;

  constructor(store: ConfigStore) {
    this.#store = store;
  }

  /** One result a user. @param onError what to answer for a user whose change failed for a reason nobody foresaw */
  async alter(
    deletions: readonly ScramDeletion[],
    upsertions: readonly ScramUpsertion[],
    onError: (error: unknown) => { code: ErrorCode; message: string },
  ): Promise<ScramResult[]> {
    const byUser = new Map<string, (ScramDeletion | ScramUpsertion)[]>();
    for (const change of [...deletions, ...upsertions]) {
      byUser.set(change.name, [...(byUser.get(change.name) ?? []), change]);
    }
    const results: ScramResult[] = [];
    for (const [user, changes] of byUser) {
      try {
        results.push(refusalOf(user, changes) ?? (await this.#apply(user, changes)));
      } catch (error) {
        const { code, message } = onError(error);
        results.push(result(user, code, message));
      }
    }
    return results;
  }

  /** @param users undefined: all that have a credential */
  async describe(users: readonly string[] | undefined): Promise<ScramDescription[]> {
    if (users === undefined) return this.#describeAll();
    const descriptions: ScramDescription[] = [];
    for (const user of new Set(users)) {
      const isTwice = users.indexOf(user) !== users.lastIndexOf(user);
      descriptions.push(isTwice ? twice(user) : await this.#describe(user));
    }
    return descriptions;
  }

  async #describeAll(): Promise<ScramDescription[]> {
    const names = (await this.#store.names('users')).filter((name) => name !== DEFAULT_ENTITY_NAME);
    const descriptions: ScramDescription[] = [];
    for (const name of names) descriptions.push(await this.#describe(desanitize(name)));
    return descriptions.filter(({ credentialInfos }) => credentialInfos.length > 0);
  }

  async #describe(user: string): Promise<ScramDescription> {
    const config = user === '' ? new Map<string, string>() : await this.#store.fetch(entityOf(user));
    const credentialInfos = MECHANISMS.filter(({ name }) => config.has(name)).map(({ name, number }) => ({
      mechanism: number,
      iterations: iterationsOf(config.get(name) ?? ''),
    }));
    if (credentialInfos.length > 0) return { ...result(user, Errors.NONE, ''), credentialInfos };
    const message = `Attempt to describe a user credential that does not exist: ${user}`;
    return { ...result(user, Errors.RESOURCE_NOT_FOUND, message), credentialInfos };
  }

  async #apply(user: string, changes: readonly (ScramDeletion | ScramUpsertion)[]): Promise<ScramResult> {
    let outcome = result(user, Errors.NONE, '');
    await this.#store.change(entityOf(user), (current) => {
      const wanted = new Map(current);
      for (const change of changes) {
        const mechanism = mechanismOf(change.mechanism);
        if (mechanism === undefined) continue;
        if ('saltedPassword' in change) wanted.set(mechanism.name, credentialText(mechanism, change));
        else if (!wanted.delete(mechanism.name)) {
          outcome = result(user, Errors.RESOURCE_NOT_FOUND, 'Attempt to delete a user credential that does not exist');
          return undefined;
        }
      }
      return wanted;
    });
    return outcome;
  }
}

/** Why the changes to one user are refused before anything is read; undefined: they are not. */
function refusalOf(user: string, changes: readonly (ScramDeletion | ScramUpsertion)[]): ScramResult | undefined {
  if (user === '') return result(user, Errors.UNACCEPTABLE_CREDENTIAL, 'Username must not be empty');
  for (const change of changes) {
    if (mechanismOf(change.mechanism) === undefined) {
      return result(user, Errors.UNSUPPORTED_SASL_MECHANISM, 'Unknown SCRAM mechanism');
    }
    if (!('iterations' in change)) continue;
    if (change.iterations < ITERATIONS_MIN) return result(user, Errors.UNACCEPTABLE_CREDENTIAL, 'Too few iterations');
    if (change.iterations > ITERATIONS_MAX) return result(user, Errors.UNACCEPTABLE_CREDENTIAL, 'Too many iterations');
  }
  // In ZooKeeper mode Kafka takes one change for each mechanism; in KRaft mode, and in its tools' eyes, one for each user.
  if (changes.length === 1) return undefined;
  return result(user, Errors.DUPLICATE_RESOURCE, 'A user credential cannot be altered twice in the same request');
}

/** `salt=…,stored_key=…,server_key=…,iterations=4096`, the keys after RFC 5802, section 3. */
function credentialText({ hash }: Mechanism, { salt, saltedPassword, iterations }: ScramUpsertion): string {
  const clientKey = createHmac(hash, saltedPassword).update('Client Key').digest();
  const storedKey = createHash(hash).update(clientKey).digest('base64');
  const serverKey = createHmac(hash, saltedPassword).update('Server Key').digest('base64');
  return `salt=${salt.toString('base64')},stored_key=${storedKey},server_key=${serverKey},iterations=${iterations}`;
}

function iterationsOf(credential: string): number {
  return Number(/(?:^|,)iterations=(\d+)/.exec(credential)?.[1] ?? 0);
}

function mechanismOf(number: number): Mechanism | undefined {
  return MECHANISMS.find((mechanism) => mechanism.number === number);
}

function entityOf(user: string): { rootType: string; name: string } {
  return { rootType: 'users', name: sanitize(user) };
}

function result(user: string, errorCode: ErrorCode, errorMessage: string): ScramResult {
  return { user, errorCode, errorMessage };
}

function twice(user: string): ScramDescription {
  const message = `Cannot describe SCRAM credentials for the same user twice in a single request: ${user}`;
  return { ...result(user, Errors.DUPLICATE_RESOURCE, message), credentialInfos: [] };
}
