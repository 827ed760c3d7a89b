// /config: settings of topics, brokers, users, clients and addresses, and the notifications of their changes.
// Source: kafka.zk.{ConfigEntityZNode, ConfigEntityChangeNotificationZNode} (ZkData), KIP-21, KIP-55, KIP-612.

import {
  asInt,
  asObject,
  asString,
  decodeJsonObject,
  encodeJson,
  inPropertiesOrder,
  type JsonValue,
  ZnodeFormatError,
} from './json.ts';

/** Kafka's ConfigType. */
export const CONFIG_TYPES = ['topics', 'clients', 'users', 'brokers', 'ips'] as const;
export type ConfigType = (typeof CONFIG_TYPES)[number];

/** The entity whose settings hold for all others of its kind. */
export const DEFAULT_ENTITY = '<default>';

export const ConfigZNode = { path: '/config' } as const;

export const ConfigEntityTypeZNode = { path: (entityType: string): string => `${ConfigZNode.path}/${entityType}` };

export const ConfigEntityZNode = {
  /** @param entityName sanitized, or <default>; `alice/clients/app` for a user's client */
  path: (entityType: string, entityName: string): string => `${ConfigEntityTypeZNode.path(entityType)}/${entityName}`,

  encode: (config: ReadonlyMap<string, string>): Buffer =>
    encodeJson(
      new Map<string, JsonValue>([
        ['version', 1],
        ['config', inPropertiesOrder(config)],
      ]),
    ),

  /** A node without data, as the parents of nested entities are, has no settings. @throws ZnodeFormatError */
  decode(data: Buffer | null): Map<string, string> {
    if (data === null || data.length === 0) return new Map();
    const config = decodeJsonObject(data, 'config').get('config');
    if (config === undefined) return new Map();
    return new Map([...asObject(config, 'config')].map(([key, value]) => [key, asString(value, 'config value')]));
  },
};

export const ConfigEntityChangeNotificationZNode = { path: '/config/changes' } as const;

export const ConfigEntityChangeNotificationSequenceZNode = {
  prefix: 'config_change_',
  createPath: '/config/changes/config_change_',

  /** @param sanitizedEntityPath `topics/orders`, `users/alice/clients/app` */
  encode: (sanitizedEntityPath: string): Buffer =>
    encodeJson(
      new Map<string, JsonValue>([
        ['version', 2],
        ['entity_path', sanitizedEntityPath],
      ]),
    ),

  /** Version 1 named a type and one entity. @throws ZnodeFormatError */
  decode(data: Buffer | null): string {
    const what = 'config change notification';
    const json = decodeJsonObject(data, what);
    const version = asInt(json.get('version'), what);
    if (version === 1) return `${asString(json.get('entity_type'), what)}/${asString(json.get('entity_name'), what)}`;
    if (version !== 2) throw new ZnodeFormatError(`${what}: unsupported version ${version}`);
    return asString(json.get('entity_path'), what);
  },
};
