// Brokers, the cluster's id and the controller's election in the tree. Source: kafka.zk.KafkaZkClient.

import { isTreeError, TreeError } from '../tree-error.ts';
import { ANY_VERSION, type Stat } from '../tree-session.ts';
import {
  BrokerIdsZNode,
  BrokerIdZNode,
  type BrokerInfo,
  BrokerSequenceIdZNode,
  ClusterIdZNode,
} from '../znodes/broker-znodes.ts';
import { ControllerEpochZNode, ControllerZNode, type FeatureInfo, FeatureZNode } from '../znodes/controller-znodes.ts';
import { PERSISTENT_ZK_PATHS } from '../znodes/kafka-paths.ts';
import { ControllerMovedError, ZkPrimitives } from './zk-primitives.ts';

/** A broker and the zxid of its registration, which grows with every restart (KIP-380). */
export interface BrokerAndEpoch {
  readonly broker: BrokerInfo;
  readonly epoch: bigint;
}

/** Sequence ids of brokers without a configured id come from this node's version. */
const INITIAL_CONTROLLER_EPOCH = 0;

export abstract class BrokerZkClient extends ZkPrimitives {
  /** The session that registered the broker, to know its leftovers after an expiry (KAFKA-7165). */
  #registeredSessionId: bigint | undefined;

  async createTopLevelPaths(): Promise<void> {
    for (const path of PERSISTENT_ZK_PATHS) await this.makeSurePersistentPathExists(path);
  }

  /** Registers the broker for as long as the session lives. @returns the broker epoch
   *  @throws TreeError NODEEXISTS when another broker has this id */
  async registerBroker(broker: BrokerInfo): Promise<bigint> {
    const stat = await this.#checkedEphemeralCreate(BrokerIdZNode.path(broker.id), BrokerIdZNode.encode(broker));
    this.logger.info('registered broker', { brokerId: broker.id, brokerEpoch: stat.czxid });
    return stat.czxid;
  }

  /** Changes the registration in place. */
  async updateBrokerInfo(broker: BrokerInfo): Promise<void> {
    await this.session.set(BrokerIdZNode.path(broker.id), BrokerIdZNode.encode(broker), ANY_VERSION);
  }

  async #checkedEphemeralCreate(path: string, data: Buffer): Promise<Stat> {
    const { session } = this;
    try {
      const { stat } = await session.create(path, data, 'ephemeral');
      this.#registeredSessionId = session.sessionId;
      return stat;
    } catch (error) {
      if (!isTreeError(error, 'NODEEXISTS')) throw error;
      return this.#afterNodeExists(path, data, error);
    }
  }

  async #afterNodeExists(path: string, data: Buffer, refusal: TreeError): Promise<Stat> {
    const found = await this.getDataAndStat(path);
    if (found === undefined) return this.#checkedEphemeralCreate(path, data);
    const { stat } = found;
    if (stat.ephemeralOwner === this.session.sessionId) return stat;
    if (stat.ephemeralOwner !== this.#registeredSessionId) throw refusal;
    await this.deleteIfVersion(path, stat.version);
    return this.#checkedEphemeralCreate(path, data);
  }

  protected async deleteIfVersion(path: string, version: number): Promise<void> {
    try {
      await this.session.delete(path, version);
    } catch (error) {
      if (!isTreeError(error, 'NONODE')) throw error;
    }
  }

  async getSortedBrokerList(): Promise<number[]> {
    const ids = await this.getChildren(BrokerIdsZNode.path);
    return ids.map(Number).sort((a, b) => a - b);
  }

  async getAllBrokersInCluster(): Promise<BrokerInfo[]> {
    return (await this.getAllBrokerAndEpochsInCluster()).map(({ broker }) => broker);
  }

  async getAllBrokerAndEpochsInCluster(): Promise<BrokerAndEpoch[]> {
    const found = await Promise.all((await this.getSortedBrokerList()).map((id) => this.#getBrokerAndEpoch(id)));
    return found.filter((broker) => broker !== undefined);
  }

  async getBroker(brokerId: number): Promise<BrokerInfo | undefined> {
    return (await this.#getBrokerAndEpoch(brokerId))?.broker;
  }

  async #getBrokerAndEpoch(brokerId: number): Promise<BrokerAndEpoch | undefined> {
    const found = await this.getDataAndStat(BrokerIdZNode.path(brokerId));
    return found && { broker: BrokerIdZNode.decode(brokerId, found.data), epoch: found.stat.czxid };
  }

  /** A number no broker had before. */
  async generateBrokerSequenceId(): Promise<number> {
    try {
      return (await this.session.set(BrokerSequenceIdZNode.path, Buffer.alloc(0), ANY_VERSION)).version;
    } catch (error) {
      if (!isTreeError(error, 'NONODE')) throw error;
      await this.makeSurePersistentPathExists(BrokerSequenceIdZNode.path);
      return this.generateBrokerSequenceId();
    }
  }

  async getClusterId(): Promise<string | undefined> {
    const found = await this.getDataAndStat(ClusterIdZNode.path);
    return found && ClusterIdZNode.decode(found.data);
  }

  /** The cluster's id: `proposedClusterId` when there was none. */
  async createOrGetClusterId(proposedClusterId: string): Promise<string> {
    try {
      await this.createRecursive(ClusterIdZNode.path, ClusterIdZNode.encode(proposedClusterId));
      return proposedClusterId;
    } catch (error) {
      if (!isTreeError(error, 'NODEEXISTS')) throw error;
      const clusterId = await this.getClusterId();
      if (clusterId === undefined) throw new TreeError('NONODE', { path: ClusterIdZNode.path, cause: error });
      return clusterId;
    }
  }

  /** Makes `controllerId` the controller and raises the epoch, in one step.
   *  @throws ControllerMovedError when another broker was faster */
  async registerControllerAndIncrementControllerEpoch(
    controllerId: number,
  ): Promise<{ epoch: number; epochZkVersion: number }> {
    const current = (await this.getControllerEpoch()) ?? (await this.#maybeCreateControllerEpochZNode());
    const epoch = current.epoch + 1;
    try {
      const results = await this.session.multi([
        {
          type: 'create',
          path: ControllerZNode.path,
          data: ControllerZNode.encode(controllerId, this.clock.nowMs()),
          mode: 'ephemeral',
        },
        {
          type: 'set',
          path: ControllerEpochZNode.path,
          data: ControllerEpochZNode.encode(epoch),
          expectedVersion: current.stat.version,
        },
      ]);
      const set = results[1];
      if (set?.type !== 'set') throw new TreeError('SYSTEMERROR', { detail: 'multi answered out of order' });
      return { epoch, epochZkVersion: set.stat.version };
    } catch (error) {
      if (!isTreeError(error, 'NODEEXISTS', 'BADVERSION')) throw error;
      return this.#checkControllerAndEpoch(controllerId, epoch, error);
    }
  }

  /** A connection lost at the wrong moment hides that the registration went through. */
  async #checkControllerAndEpoch(
    controllerId: number,
    epoch: number,
    cause: TreeError,
  ): Promise<{ epoch: number; epochZkVersion: number }> {
    const found = await this.getDataAndStat(ControllerZNode.path);
    const isOurs =
      found !== undefined &&
      ControllerZNode.decode(found.data) === controllerId &&
      found.stat.ephemeralOwner === this.session.sessionId;
    const current = isOurs ? await this.getControllerEpoch() : undefined;
    if (current?.epoch === epoch) return { epoch, epochZkVersion: current.stat.version };
    throw new ControllerMovedError('Controller moved to another broker. Aborting controller startup procedure', {
      cause,
    });
  }

  async #maybeCreateControllerEpochZNode(): Promise<{ epoch: number; stat: Stat }> {
    const data = ControllerEpochZNode.encode(INITIAL_CONTROLLER_EPOCH);
    try {
      const { stat } = await this.session.create(ControllerEpochZNode.path, data);
      return { epoch: INITIAL_CONTROLLER_EPOCH, stat };
    } catch (error) {
      if (!isTreeError(error, 'NODEEXISTS')) throw error;
      const current = await this.getControllerEpoch();
      if (current === undefined) throw error;
      return current;
    }
  }

  /** Watches when a handler is registered for /controller. */
  async getControllerId(): Promise<number | undefined> {
    const found = await this.getDataAndStat(ControllerZNode.path);
    return found && ControllerZNode.decode(found.data);
  }

  async getControllerEpoch(): Promise<{ epoch: number; stat: Stat } | undefined> {
    const found = await this.getDataAndStat(ControllerEpochZNode.path);
    return found && { epoch: ControllerEpochZNode.decode(found.data), stat: found.stat };
  }

  /** Makes room for another controller. @throws ControllerMovedError */
  async deleteController(expectedControllerEpochZkVersion: number): Promise<void> {
    await this.writeAllOrThrow(
      [{ type: 'delete', path: ControllerZNode.path, expectedVersion: ANY_VERSION }],
      expectedControllerEpochZkVersion,
      'NONODE',
    );
  }

  /** undefined: the node is not there. Watches when a handler is registered for /feature. */
  async getFeature(): Promise<{ feature: FeatureInfo; version: number } | undefined> {
    const found = await this.getDataAndStat(FeatureZNode.path);
    return found && { feature: FeatureZNode.decode(found.data), version: found.stat.version };
  }

  async createFeatureZNode(feature: FeatureInfo): Promise<void> {
    await this.session.create(FeatureZNode.path, FeatureZNode.encode(feature));
  }

  /** @returns the node's new version */
  async updateFeatureZNode(feature: FeatureInfo): Promise<number> {
    return (await this.session.set(FeatureZNode.path, FeatureZNode.encode(feature), ANY_VERSION)).version;
  }

  async deleteFeatureZNode(): Promise<void> {
    await this.deletePath(FeatureZNode.path);
  }
}
