// /brokers/ids, /brokers/seqid, /cluster/id. Source: kafka.zk.{BrokerIdZNode, ClusterIdZNode} (ZkData), KIP-103, KIP-584.

import {
  asArray,
  asInt,
  asObject,
  asString,
  decodeJsonObject,
  encodeJson,
  type JsonObject,
  type JsonValue,
  ZnodeFormatError,
} from './json.ts';

/** Where a broker listens, as it tells the cluster. */
export interface EndPoint {
  readonly listenerName: string;
  /** PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL */
  readonly securityProtocol: string;
  readonly host: string;
  readonly port: number;
}

export interface SupportedVersionRange {
  readonly min: number;
  readonly max: number;
}

export interface BrokerInfo {
  readonly id: number;
  readonly endPoints: readonly EndPoint[];
  readonly rack: string | undefined;
  readonly features: ReadonlyMap<string, SupportedVersionRange>;
  /** Of the znode's JSON: 1 to 5; 5 is written. */
  readonly version: number;
  readonly jmxPort: number;
  /** When the broker registered. */
  readonly timestampMs: number;
}

export const BrokersZNode = { path: '/brokers' } as const;
export const BrokerIdsZNode = { path: '/brokers/ids' } as const;
export const BrokerSequenceIdZNode = { path: '/brokers/seqid' } as const;

const SECURITY_PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];
/** `SASL_SSL://host:9092`, `X://[::1]:9092`, `X://:9092` */
const CONNECTION_STRING = /^([^:]+):\/\/(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]]*)):(-?\d+)$/;

export const BrokerIdZNode = {
  path: (id: number): string => `${BrokerIdsZNode.path}/${id}`,

  /** Old clients that know only PLAINTEXT read `host` and `port`: the first such endpoint, or none. */
  encode(broker: BrokerInfo): Buffer {
    const plaintext = broker.endPoints.find((endPoint) => endPoint.securityProtocol === 'PLAINTEXT');
    const protocols = broker.endPoints.map((endPoint) => [endPoint.listenerName, endPoint.securityProtocol] as const);
    const fields: (readonly [string, JsonValue])[] = [
      ['features', featuresToJson(broker.features)],
      ['listener_security_protocol_map', new Map(protocols)],
      ['endpoints', broker.endPoints.map(connectionString)],
      ...(broker.rack === undefined ? [] : [['rack', broker.rack] as const]),
      ['jmx_port', broker.jmxPort],
      ['port', plaintext?.port ?? -1],
      ['host', plaintext?.host ?? null],
      ['version', 5],
      ['timestamp', String(broker.timestampMs)],
    ];
    return encodeJson(new Map(fields));
  },

  /** Reads versions 1 to 5. @throws ZnodeFormatError */
  decode(id: number, data: Buffer | null): BrokerInfo {
    const what = `registration of broker ${id}`;
    const json = decodeJsonObject(data, what);
    const version = asInt(json.get('version'), what);
    if (version < 1) throw new ZnodeFormatError(`${what}: unsupported version ${version}`);
    const rack = json.get('rack');
    return {
      id,
      endPoints: version === 1 ? [endPointOfVersion1(json, what)] : endPointsFrom(json, what),
      rack: typeof rack === 'string' ? rack : undefined,
      features: featuresFrom(json.get('features'), what),
      version,
      jmxPort: asInt(json.get('jmx_port'), what),
      timestampMs: Number(json.get('timestamp') ?? -1),
    };
  },
};

function featuresToJson(features: ReadonlyMap<string, SupportedVersionRange>): JsonValue {
  return new Map(
    [...features].map(([name, range]) => [
      name,
      new Map([
        ['min_version', range.min],
        ['max_version', range.max],
      ]),
    ]),
  );
}

function featuresFrom(json: unknown, what: string): ReadonlyMap<string, SupportedVersionRange> {
  if (json === undefined || json === null) return new Map();
  return new Map(
    [...asObject(json, what)].map(([name, value]) => {
      const range = asObject(value, what);
      return [name, { min: asInt(range.get('min_version'), what), max: asInt(range.get('max_version'), what) }];
    }),
  );
}

function endPointOfVersion1(json: JsonObject, what: string): EndPoint {
  const host = asString(json.get('host'), what);
  const port = asInt(json.get('port'), what);
  return { listenerName: 'PLAINTEXT', securityProtocol: 'PLAINTEXT', host, port };
}

function endPointsFrom(json: JsonObject, what: string): EndPoint[] {
  const map = json.get('listener_security_protocol_map');
  const protocols = map === undefined ? undefined : asObject(map, what);
  return asArray(json.get('endpoints'), what).map((text) => parseEndPoint(asString(text, what), protocols, what));
}

/** Before version 4 a listener's name is its protocol's. */
function parseEndPoint(text: string, protocols: JsonObject | undefined, what: string): EndPoint {
  const match = CONNECTION_STRING.exec(text);
  if (match === null) throw new ZnodeFormatError(`${what}: bad endpoint`);
  const listenerName = match[1] ?? '';
  const securityProtocol = protocols === undefined ? listenerName : asString(protocols.get(listenerName), what);
  if (!SECURITY_PROTOCOLS.includes(securityProtocol)) throw new ZnodeFormatError(`${what}: unknown security protocol`);
  return { listenerName, securityProtocol, host: match[2] ?? match[3] ?? '', port: Number(match[4]) };
}

/** `EXTERNAL://host:9092`; IPv6 addresses in brackets. Source: kafka.cluster.EndPoint.connectionString. */
export function connectionString(endPoint: EndPoint): string {
  const host = endPoint.host.includes(':') ? `[${endPoint.host}]` : endPoint.host;
  return `${endPoint.listenerName}://${host}:${endPoint.port}`;
}

export const ClusterZNode = { path: '/cluster' } as const;

export const ClusterIdZNode = {
  path: '/cluster/id',

  encode: (id: string): Buffer =>
    encodeJson(
      new Map([
        ['version', '1'],
        ['id', id],
      ]),
    ),

  /** @throws ZnodeFormatError */
  decode: (data: Buffer | null): string => asString(decodeJsonObject(data, 'cluster id').get('id'), 'cluster id'),
};
