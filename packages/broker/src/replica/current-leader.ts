// Tells a client that asked the wrong broker where the leader is, so that it need not ask for metadata (KIP-951).
// Source: kafka.server.KafkaApis.getCurrentLeader.

import type { RequestContext } from '../server/request-context.ts';

/** The leader's address, in the fields of produce and fetch responses. */
export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

const UNKNOWN = -1;

/** Collects the leaders of the partitions that one response is about. */
export class CurrentLeaders {
  readonly #context: RequestContext;
  readonly #endpoints = new Map<number, NodeEndpoint>();

  constructor(context: RequestContext) {
    this.#context = context;
  }

  /** Each leader once; those that the client's listener does not show are left out. */
  get nodeEndpoints(): NodeEndpoint[] {
    return [...this.#endpoints.values()];
  }

  /** What this broker knows of who leads the partition; -1 where it knows nothing. */
  of(topic: string, partition: number): { leaderId: number; leaderEpoch: number } {
    const { replicaManager, metadataCache } = this.#context.broker;
    const hosted = replicaManager.getPartition({ topic, partition });
    const info = hosted === undefined ? metadataCache.getPartitionInfo(topic, partition) : undefined;
    const leaderId = hosted?.leaderId ?? info?.leader ?? UNKNOWN;
    const leaderEpoch = hosted?.leaderEpoch ?? info?.leaderEpoch ?? UNKNOWN;
    this.#note(leaderId);
    return { leaderId, leaderEpoch };
  }

  #note(leaderId: number): void {
    if (leaderId === UNKNOWN || this.#endpoints.has(leaderId)) return;
    const { broker, listenerName } = this.#context;
    const node = broker.metadataCache.getAliveBrokerNode(leaderId, listenerName);
    if (node === undefined) return;
    this.#endpoints.set(leaderId, { nodeId: node.id, host: node.host, port: node.port, rack: node.rack });
  }
}
