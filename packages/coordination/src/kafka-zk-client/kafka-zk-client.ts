// Kafka's view of the tree, one method per thing a broker asks or says. The layers below hold brokers and election, topics, and what is
// asked of the controller; here are settings and ACLs. Source: kafka.zk.KafkaZkClient.

import { isTreeError } from '../tree-error.ts';
import { ANY_VERSION, type TreeOperation } from '../tree-session.ts';
import {
  AclChangeZNode,
  type AclEntry,
  type AclPatternType,
  type AclResourceType,
  RESOURCE_TYPES,
  type ResourcePattern,
  ResourceTypeZNode,
  ResourceZNode,
  ZkAclStore,
} from '../znodes/acl-znodes.ts';
import {
  ConfigEntityChangeNotificationSequenceZNode,
  ConfigEntityTypeZNode,
  ConfigEntityZNode,
} from '../znodes/config-znodes.ts';
import { AdminZkNodesClient } from './admin-zk-nodes-client.ts';
import { UNKNOWN_VERSION } from './zk-primitives.ts';

/** Rules of a resource and the version of their node; UNKNOWN_VERSION when it has none. */
export interface VersionedAcls {
  readonly acls: AclEntry[];
  readonly zkVersion: number;
}

export class KafkaZkClient extends AdminZkNodesClient {
  /** No settings when there is no node. @param entityName sanitized, or <default> */
  async getEntityConfigs(entityType: string, entityName: string): Promise<Map<string, string>> {
    const found = await this.getDataAndStat(ConfigEntityZNode.path(entityType, entityName));
    return ConfigEntityZNode.decode(found?.data ?? null);
  }

  async getEntitiesConfigs(
    entityType: string,
    entityNames: readonly string[],
  ): Promise<Map<string, Map<string, string>>> {
    const configs = await Promise.all(entityNames.map((name) => this.getEntityConfigs(entityType, name)));
    return new Map(entityNames.map((name, i) => [name, configs[i] ?? new Map<string, string>()]));
  }

  getAllEntitiesWithConfig(entityType: string): Promise<string[]> {
    return this.getChildren(ConfigEntityTypeZNode.path(entityType));
  }

  async setOrCreateEntityConfigs(
    entityType: string,
    entityName: string,
    config: ReadonlyMap<string, string>,
  ): Promise<void> {
    const path = ConfigEntityZNode.path(entityType, entityName);
    const data = ConfigEntityZNode.encode(config);
    try {
      await this.session.set(path, data, ANY_VERSION);
    } catch (error) {
      if (!isTreeError(error, 'NONODE')) throw error;
      await this.#createOrSet(path, data);
    }
  }

  async #createOrSet(path: string, data: Buffer): Promise<void> {
    try {
      await this.createRecursive(path, data);
    } catch (error) {
      if (!isTreeError(error, 'NODEEXISTS')) throw error;
      await this.session.set(path, data, ANY_VERSION);
    }
  }

  /** Tells every broker that the settings of an entity changed. @param sanitizedEntityPath `topics/orders` */
  async createConfigChangeNotification(sanitizedEntityPath: string): Promise<void> {
    const { createPath, encode } = ConfigEntityChangeNotificationSequenceZNode;
    await this.createSequentialPersistentPath(createPath, encode(sanitizedEntityPath));
  }

  /** @throws ControllerMovedError */
  async deleteTopicConfigs(topics: readonly string[], expectedControllerEpochZkVersion: number): Promise<void> {
    const operations = topics.map(
      (topic): TreeOperation => ({
        type: 'delete',
        path: ConfigEntityZNode.path('topics', topic),
        expectedVersion: ANY_VERSION,
      }),
    );
    await this.writeAllOrThrow(operations, expectedControllerEpochZkVersion, 'NONODE');
  }

  /** The roots of both ACL stores, one node a resource type, and their notifications. */
  async createAclPaths(): Promise<void> {
    for (const patternType of ['literal', 'prefixed'] as const) {
      await this.makeSurePersistentPathExists(ZkAclStore.changePath(patternType));
      for (const resourceType of RESOURCE_TYPES) {
        await this.makeSurePersistentPathExists(ResourceTypeZNode.path(patternType, resourceType));
      }
    }
  }

  getResourceNames(patternType: AclPatternType, resourceType: AclResourceType): Promise<string[]> {
    return this.getChildren(ResourceTypeZNode.path(patternType, resourceType));
  }

  async getVersionedAclsForResource(resource: ResourcePattern): Promise<VersionedAcls> {
    const found = await this.getDataAndStat(ResourceZNode.path(resource));
    if (found === undefined) return { acls: [], zkVersion: UNKNOWN_VERSION };
    return { acls: ResourceZNode.decode(found.data), zkVersion: found.stat.version };
  }

  /** @returns the new version; undefined when another writer was faster or the node is not there */
  conditionalSetAclsForResource(
    resource: ResourcePattern,
    acls: readonly AclEntry[],
    expectedZkVersion: number,
  ): Promise<number | undefined> {
    return this.conditionalUpdatePath(ResourceZNode.path(resource), ResourceZNode.encode(acls), expectedZkVersion);
  }

  /** @returns the new node's version; undefined when the resource has rules already */
  async createAclsForResourceIfNotExists(
    resource: ResourcePattern,
    acls: readonly AclEntry[],
  ): Promise<number | undefined> {
    try {
      await this.createRecursive(ResourceZNode.path(resource), ResourceZNode.encode(acls));
      return 0;
    } catch (error) {
      if (isTreeError(error, 'NODEEXISTS')) return undefined;
      throw error;
    }
  }

  async createAclChangeNotification(resource: ResourcePattern): Promise<void> {
    const path = AclChangeZNode.createPath(resource.patternType);
    await this.createSequentialPersistentPath(path, AclChangeZNode.encode(resource));
  }

  /** @returns false when the version differs or the rules are gone */
  async conditionalDelete(resource: ResourcePattern, expectedVersion: number): Promise<boolean> {
    try {
      await this.session.delete(ResourceZNode.path(resource), expectedVersion);
      return true;
    } catch (error) {
      if (isTreeError(error, 'NONODE', 'BADVERSION')) return false;
      throw error;
    }
  }
}
