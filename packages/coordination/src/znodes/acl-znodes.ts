// /kafka-acl, /kafka-acl-extended and their change notifications. Source: kafka.zk.{ZkAclStore, ZkAclChangeStore, ResourceZNode}
// (ZkData), kafka.security.authorizer.AclEntry, KIP-290 (prefixed patterns).

import { asArray, asObject, asString, decodeJsonObject, encodeJson, type JsonValue, ZnodeFormatError } from './json.ts';

/** As in paths. */
export const RESOURCE_TYPES = ['Topic', 'Group', 'Cluster', 'TransactionalId', 'DelegationToken', 'User'] as const;
export type AclResourceType = (typeof RESOURCE_TYPES)[number];

export type AclPatternType = 'literal' | 'prefixed';

export interface ResourcePattern {
  readonly resourceType: AclResourceType;
  readonly name: string;
  readonly patternType: AclPatternType;
}

/** Words as in Kafka's JSON: `User:alice`, `Allow`, `*`, `Read`. */
export interface AclEntry {
  readonly principal: string;
  readonly permissionType: string;
  readonly host: string;
  readonly operation: string;
}

/** RESOURCE_TYPE as in notifications. */
const NOTIFICATION_NAMES: ReadonlyMap<string, AclResourceType> = new Map([
  ['TOPIC', 'Topic'],
  ['GROUP', 'Group'],
  ['CLUSTER', 'Cluster'],
  ['TRANSACTIONAL_ID', 'TransactionalId'],
  ['DELEGATION_TOKEN', 'DelegationToken'],
  ['USER', 'User'],
]);

export const ACL_CHANGE_PREFIX = 'acl_changes_';

/** Where ACLs of a kind of pattern are kept. */
export const ZkAclStore = {
  aclPath: (patternType: AclPatternType): string =>
    patternType === 'literal' ? '/kafka-acl' : `/kafka-acl-extended/${patternType}`,
  changePath: (patternType: AclPatternType): string =>
    patternType === 'literal' ? '/kafka-acl-changes' : '/kafka-acl-extended-changes',
};

export const ResourceTypeZNode = {
  path: (patternType: AclPatternType, resourceType: AclResourceType): string =>
    `${ZkAclStore.aclPath(patternType)}/${resourceType}`,
};

export const ResourceZNode = {
  path: (resource: ResourcePattern): string =>
    `${ResourceTypeZNode.path(resource.patternType, resource.resourceType)}/${resource.name}`,

  encode(acls: readonly AclEntry[]): Buffer {
    const entries = acls.map(
      (acl): JsonValue =>
        new Map([
          ['principal', acl.principal],
          ['permissionType', acl.permissionType],
          ['host', acl.host],
          ['operation', acl.operation],
        ]),
    );
    return encodeJson(
      new Map<string, JsonValue>([
        ['acls', entries],
        ['version', 1],
      ]),
    );
  },

  /** @throws ZnodeFormatError */
  decode(data: Buffer | null): AclEntry[] {
    const what = 'ACLs';
    return asArray(decodeJsonObject(data, what).get('acls'), what).map((entry) => {
      const json = asObject(entry, what);
      return {
        principal: asString(json.get('principal'), what),
        permissionType: asString(json.get('permissionType'), what),
        host: asString(json.get('host'), what),
        operation: asString(json.get('operation'), what),
      };
    });
  },
};

/** A change of a resource's ACLs. Literal: `TOPIC:orders`; others: JSON. */
export const AclChangeZNode = {
  createPath: (patternType: AclPatternType): string => `${ZkAclStore.changePath(patternType)}/${ACL_CHANGE_PREFIX}`,

  encode(resource: ResourcePattern): Buffer {
    const type = notificationName(resource.resourceType);
    if (resource.patternType === 'literal') return Buffer.from(`${type}:${resource.name}`);
    return encodeJson(
      new Map<string, JsonValue>([
        ['version', 1],
        ['resourceType', type],
        ['name', resource.name],
        ['patternType', resource.patternType.toUpperCase()],
      ]),
    );
  },

  /** @param store which of the two trees the notification stood in @throws ZnodeFormatError */
  decode(store: 'literal' | 'extended', data: Buffer | null): ResourcePattern {
    if (store === 'literal') return literalFrom(data?.toString('utf8') ?? '');
    const json = decodeJsonObject(data, 'ACL change');
    const patternType = asString(json.get('patternType'), 'ACL change');
    if (patternType !== 'PREFIXED') throw new ZnodeFormatError('ACL change: unknown pattern type');
    const resourceType = resourceTypeFrom(asString(json.get('resourceType'), 'ACL change'));
    return { resourceType, name: asString(json.get('name'), 'ACL change'), patternType: 'prefixed' };
  },
};

function literalFrom(text: string): ResourcePattern {
  const separator = text.indexOf(':');
  if (separator < 0) throw new ZnodeFormatError('ACL change: expected TYPE:name');
  const resourceType = resourceTypeFrom(text.slice(0, separator));
  return { resourceType, name: text.slice(separator + 1), patternType: 'literal' };
}

function resourceTypeFrom(name: string): AclResourceType {
  const type = NOTIFICATION_NAMES.get(name.toUpperCase());
  if (type === undefined) throw new ZnodeFormatError('ACL change: unknown resource type');
  return type;
}

function notificationName(resourceType: AclResourceType): string {
  for (const [name, type] of NOTIFICATION_NAMES) if (type === resourceType) return name;
  throw new ZnodeFormatError(`unknown resource type ${resourceType}`);
}
