// Talks to many brokers: one connection each, made when first needed and made again after it broke, with a pause that grows; asks each for
// its versions and uses the highest in common. Source: org.apache.kafka.clients.NetworkClient, ClusterConnectionStates.

import { type Clock, type Random, type Sockets, sleep } from '@ottla/base';
import type { ApiCodec, Decoded } from '@ottla/protocol';
import { ApiVersionRanges, type VersionRange } from './api-version-ranges.ts';
import { DisconnectedError } from './client-errors.ts';
import {
  REQUEST_CLIENT_DEFAULTS,
  RequestClient,
  type RequestClientOptions,
  type SendOptions,
} from './request-client.ts';

/** Where a broker is. */
export interface NodeAddress {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface NetworkClientOptions extends Omit<RequestClientOptions, 'host' | 'port'> {
  readonly random: Random;
  /** reconnect.backoff.ms: the pause after the first failure; it doubles with each further one … */
  readonly reconnectBackoffMs: number;
  /** … up to this (reconnect.backoff.max.ms), give or take a fifth. */
  readonly reconnectBackoffMsMax: number;
}

export const NETWORK_CLIENT_DEFAULTS = {
  ...REQUEST_CLIENT_DEFAULTS,
  reconnectBackoffMs: 50,
  reconnectBackoffMsMax: 1000,
} as const satisfies Partial<NetworkClientOptions>;

export interface NetworkSendOptions extends SendOptions {
  /** Versions the caller can live with; the highest in common is used. */
  readonly versions?: VersionRange | undefined;
}

interface Established {
  readonly client: RequestClient;
  readonly versions: ApiVersionRanges;
}

/** What is known of one broker. */
interface NodeState {
  address: NodeAddress;
  /** The connection, or the attempt to make it. */
  established: Promise<Established> | undefined;
  failureCount: number;
  /** On the monotonic clock: no attempt before. */
  nextAttemptMs: number;
}

const BACKOFF_JITTER = 0.2;

export class NetworkClient {
  readonly #options: NetworkClientOptions;
  readonly #nodes = new Map<number, NodeState>();
  #isClosed = false;

  constructor(
    options: Partial<NetworkClientOptions> & {
      readonly sockets: Sockets;
      readonly clock: Clock;
      readonly random: Random;
    },
  ) {
    this.#options = { ...NETWORK_CLIENT_DEFAULTS, ...options };
  }

  /** Asks `node` and waits for the answer; connects first where needed, after the pause that is due.
   *  @throws DisconnectedError, RequestTimeoutError, InvalidResponseError, NoCommonVersionError, UnsupportedVersionError */
  async send<Request, Response>(
    node: NodeAddress,
    api: ApiCodec<Request, Response>,
    request: Request,
    options: NetworkSendOptions = {},
  ): Promise<Decoded<Response>> {
    const { client, versions } = await this.#connectTo(node);
    return client.send(api, request, versions.choose(api, options.versions), options);
  }

  /** The version that `send` would use. Connects where needed. */
  async versionFor(node: NodeAddress, api: ApiCodec<unknown, unknown>, allowed?: VersionRange): Promise<number> {
    return (await this.#connectTo(node)).versions.choose(api, allowed);
  }

  /** Ends the connection to a broker; what is pending fails with DisconnectedError. */
  disconnect(nodeId: number): void {
    const state = this.#nodes.get(nodeId);
    this.#nodes.delete(nodeId);
    state?.established?.then(
      ({ client }) => client.close(),
      () => {},
    );
  }

  /** Ends every connection. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    for (const nodeId of [...this.#nodes.keys()]) this.disconnect(nodeId);
  }

  #connectTo(node: NodeAddress): Promise<Established> {
    if (this.#isClosed) return Promise.reject(new DisconnectedError('the network client is closed'));
    const state = this.#stateOf(node);
    state.established ??= this.#establish(state);
    return state.established;
  }

  #stateOf(node: NodeAddress): NodeState {
    const known = this.#nodes.get(node.id);
    if (known !== undefined && known.address.host === node.host && known.address.port === node.port) return known;
    if (known !== undefined) this.disconnect(node.id);
    const state: NodeState = { address: node, established: undefined, failureCount: 0, nextAttemptMs: 0 };
    this.#nodes.set(node.id, state);
    return state;
  }

  async #establish(state: NodeState): Promise<Established> {
    const { clock } = this.#options;
    const pauseMs = state.nextAttemptMs - clock.monotonicMs();
    if (pauseMs > 0) await sleep(clock, pauseMs);
    const { host, port } = state.address;
    let client: RequestClient | undefined;
    try {
      if (this.#isClosed) throw new DisconnectedError('the network client is closed');
      client = await RequestClient.connect({ ...this.#options, host, port });
      const versions = await ApiVersionRanges.ask(client);
      this.#onEstablished(state, client);
      return { client, versions };
    } catch (cause) {
      client?.close();
      this.#onFailed(state);
      throw cause instanceof DisconnectedError
        ? cause
        : new DisconnectedError(`node ${state.address.id} at ${host}:${port} cannot be reached`, { cause });
    }
  }

  #onEstablished(state: NodeState, client: RequestClient): void {
    if (client.isClosed) throw new DisconnectedError('the connection ended at once');
    state.failureCount = 0;
    client.onClose = () => this.#onFailed(state);
  }

  #onFailed(state: NodeState): void {
    const { clock, random, reconnectBackoffMs, reconnectBackoffMsMax } = this.#options;
    const fullMs = Math.min(reconnectBackoffMsMax, reconnectBackoffMs * 2 ** state.failureCount);
    const jitter = 1 - BACKOFF_JITTER + (2 * BACKOFF_JITTER * random.nextInt(1001)) / 1000;
    state.failureCount = Math.min(state.failureCount + 1, 30);
    state.nextAttemptMs = clock.monotonicMs() + fullMs * jitter;
    state.established = undefined;
  }
}
