// What a scenario is made of: one request, or the same request in several versions, sent to a broker and its answer written down.

import type { ApiCodec, Decoded } from '@ottla/protocol';
import { apiLevels } from '@ottla/protocol';
import type { Session } from './session.ts';

/** One line of a transcript. */
export interface Entry {
  readonly step: string;
  readonly api: string;
  readonly version: number;
  /** The answer with what differs from run to run replaced, or how the connection ended instead. */
  readonly answer: unknown;
}

export interface Step {
  /** Unique in the scenario. */
  readonly name: string;
  run(session: Session): Promise<Entry[]>;
}

export interface AskOptions<Response> {
  /** Default: all that Kafka 3.9 serves. */
  readonly versions?: readonly number[];
  /** Client id; each has a connection of its own. */
  readonly as?: string;
  /** Ask again until the answer is so, beyond the wait for coordinators and leaders. */
  readonly until?: (answer: Decoded<Response>) => boolean;
  /** Take what later steps need. */
  readonly onAnswer?: (answer: Decoded<Response>, version: number) => void;
  /** Error codes that are the answer here, though elsewhere they mean "ask again". */
  readonly final?: readonly number[];
  /** Nothing answers this one (Produce with acks=0). */
  readonly unanswered?: boolean;
}

export type BuildRequest<Request> = (version: number) => Request;

/** Sends what `build` says in each version, one after the other. */
export function ask<Request, Response>(
  name: string,
  api: ApiCodec<Request, Response>,
  build: BuildRequest<Request>,
  options: AskOptions<Response> = {},
): Step {
  return {
    name,
    run: async (session) => {
      const entries: Entry[] = [];
      for (const version of options.versions ?? servedVersions(api)) {
        const answer = await session.ask(api, build(version), version, options);
        entries.push({ step: name, api: api.name, version, answer });
      }
      return entries;
    },
  };
}

/** Sends without waiting; `collect` writes the answer down. */
export function begin<Request, Response>(
  name: string,
  api: ApiCodec<Request, Response>,
  version: number,
  build: BuildRequest<Request>,
  options: AskOptions<Response> = {},
): Step {
  return {
    name: `${name}: sent`,
    run: async (session) => {
      const answer = session.ask(api, build(version), version, options);
      session.keep(
        name,
        answer.then((value) => ({ step: name, api: api.name, version, answer: value })),
      );
      return [];
    },
  };
}

export function collect(name: string): Step {
  return { name, run: async (session) => [await session.take(name)] };
}

/** Sends a frame, and writes down what comes back, or that the connection was closed. */
export function askRaw(
  name: string,
  api: string,
  version: number,
  frame: () => Buffer,
  read: (answer: Buffer) => unknown = (answer) => ({ hex: answer.toString('hex') }),
): Step {
  return {
    name,
    run: async (session) => [{ step: name, api, version, answer: await session.askRaw(frame(), read) }],
  };
}

/** The versions of `api` that a broker of 3.9 serves. */
export function servedVersions(api: { apiKey: number; name: string }): number[] {
  const range = apiLevels.get(api.apiKey)?.versions['3.9'];
  if (!range) throw new Error(`Kafka 3.9 does not serve ${api.name}`);
  return versionsBetween(range[0], range[1]);
}

/** Both ends included. */
export function versionsBetween(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** `fields` where `version` is one of [first, last], nothing elsewhere: most fields exist in some versions only. */
export function between<Fields extends object>(
  version: number,
  [first, last]: readonly [number, number],
  fields: Fields,
): Fields | Record<string, never> {
  return version >= first && version <= last ? fields : {};
}

export function since<Fields extends object>(
  version: number,
  first: number,
  fields: Fields,
): Fields | Record<string, never> {
  return between(version, [first, Number.POSITIVE_INFINITY], fields);
}
