// Takes the controller's requests to brokers, in order, one at a time to each, again and again until it is answered or the broker is
// gone. Source: kafka.controller.{ControllerChannelManager, RequestSendThread}.

import { type Clock, type Logger, sleep } from '@ottla/base';
import type {
  Decoded,
  LeaderAndIsrRequest,
  LeaderAndIsrResponse,
  StopReplicaRequest,
  StopReplicaResponse,
  UpdateMetadataRequest,
  UpdateMetadataResponse,
} from '@ottla/protocol';

/** The port to brokers, this one included: the server calls a handler of its own or asks over the network. Each method rejects when the
 *  broker could not be asked; it is then asked again. */
export interface ControllerChannel {
  leaderAndIsr(brokerId: number, request: Decoded<LeaderAndIsrRequest>): Promise<LeaderAndIsrResponse>;
  updateMetadata(brokerId: number, request: Decoded<UpdateMetadataRequest>): Promise<UpdateMetadataResponse>;
  stopReplica(brokerId: number, request: Decoded<StopReplicaRequest>): Promise<StopReplicaResponse>;
  /** The broker is gone or came back anew: connections to it are of no more use. */
  disconnect(brokerId: number): void;
}

const RETRY_BACKOFF_MS = 100;

interface BrokerQueue {
  readonly requests: (() => Promise<void>)[];
  isSending: boolean;
  /** After this nothing more is sent. */
  isRemoved: boolean;
}

export class ControllerChannelManager {
  readonly #channel: ControllerChannel;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #queues = new Map<number, BrokerQueue>();

  constructor(options: { channel: ControllerChannel; clock: Clock; logger: Logger }) {
    this.#channel = options.channel;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** Requests that wait, over all brokers. */
  get totalQueueSize(): number {
    let size = 0;
    for (const queue of this.#queues.values()) size += queue.requests.length;
    return size;
  }

  addBroker(brokerId: number): void {
    if (!this.#queues.has(brokerId)) {
      this.#queues.set(brokerId, { requests: [], isSending: false, isRemoved: false });
    }
  }

  /** Drops what waits for it. */
  removeBroker(brokerId: number): void {
    const queue = this.#queues.get(brokerId);
    if (queue === undefined) return;
    queue.isRemoved = true;
    queue.requests.length = 0;
    this.#queues.delete(brokerId);
    this.#channel.disconnect(brokerId);
  }

  shutdown(): void {
    for (const brokerId of [...this.#queues.keys()]) this.removeBroker(brokerId);
  }

  /** @param send asks once
   *  @param onResponse called once, unless the broker is removed before it answered */
  sendRequest<Response>(
    brokerId: number,
    send: (channel: ControllerChannel) => Promise<Response>,
    onResponse: (response: Response) => void,
  ): void {
    const queue = this.#queues.get(brokerId);
    if (queue === undefined) {
      this.#logger.warn('not sending a request to a broker that is offline', { brokerId });
      return;
    }
    queue.requests.push(async () => {
      const response = await this.#sendUntilAnswered(queue, brokerId, send);
      if (response !== undefined && !queue.isRemoved) onResponse(response);
    });
    if (!queue.isSending) void this.#drain(queue);
  }

  async #drain(queue: BrokerQueue): Promise<void> {
    queue.isSending = true;
    for (let next = queue.requests.shift(); next !== undefined; next = queue.requests.shift()) {
      try {
        await next();
      } catch (error) {
        this.#logger.error('an answer to the controller was not handled', { error });
      }
    }
    queue.isSending = false;
  }

  async #sendUntilAnswered<Response>(
    queue: BrokerQueue,
    brokerId: number,
    send: (channel: ControllerChannel) => Promise<Response>,
  ): Promise<Response | undefined> {
    while (!queue.isRemoved) {
      try {
        return await send(this.#channel);
      } catch (error) {
        if (queue.isRemoved) break;
        this.#logger.warn('could not send a request to a broker; trying again', { brokerId, error });
        await sleep(this.#clock, RETRY_BACKOFF_MS);
      }
    }
    return undefined;
  }
}
