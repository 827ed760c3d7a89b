// Listeners as server.properties writes them: `NAME://host:port`. Source: kafka.cluster.EndPoint, kafka.utils.CoreUtils.listenerListToEndPoints.

import { ConfigError } from '@ottla/base';

export type SecurityProtocol = 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL';
const SECURITY_PROTOCOLS: readonly SecurityProtocol[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'];

export interface EndPoint {
  /** Upper case. */
  readonly listenerName: string;
  readonly securityProtocol: SecurityProtocol;
  /** Empty: every address of this machine. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

const END_POINT = /^([A-Za-z0-9_.-]+):\/\/(?:\[([0-9a-zA-Z\-%._:]*)\]|([0-9a-zA-Z\-%._]*)):(\d+)$/;

/** `{SASL_SSL:SASL_SSL, …}` as a map from listener name to protocol. @throws ConfigError */
export function parseSecurityProtocolMap(text: string): Map<string, SecurityProtocol> {
  const map = new Map<string, SecurityProtocol>();
  for (const entry of splitList(text)) {
    const colon = entry.lastIndexOf(':');
    if (colon < 1) {
      throw new ConfigError(
        `Error parsing configuration property 'listener.security.protocol.map': ${entry} is not of the form NAME:PROTOCOL`,
      );
    }
    const protocol = asSecurityProtocol(entry.slice(colon + 1).trim());
    if (protocol === undefined) {
      const got = entry.slice(colon + 1).trim();
      throw new ConfigError(`Invalid security protocol \`${got}\` defined in listener.security.protocol.map`);
    }
    map.set(entry.slice(0, colon).trim().toUpperCase(), protocol);
  }
  return map;
}

/** @param requireDistinctPorts Kafka demands it of listeners, not of advertised ones. @throws ConfigError in Kafka's words */
export function parseEndPoints(
  text: string,
  protocols: ReadonlyMap<string, SecurityProtocol>,
  requireDistinctPorts: boolean,
): EndPoint[] {
  const endPoints = splitList(text).map((entry) => parseEndPoint(entry, text, protocols));
  mustHaveDistinctNames(endPoints, text);
  if (requireDistinctPorts) mustHaveDistinctPorts(endPoints, text);
  return endPoints;
}

/** `host:port`, with brackets around an IPv6 address. */
export function formatHostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function parseEndPoint(entry: string, text: string, protocols: ReadonlyMap<string, SecurityProtocol>): EndPoint {
  const match = END_POINT.exec(entry);
  const port = Number(match?.[4]);
  if (match === null || port > 65535) throw creationError(text, `Unable to parse ${entry} to a broker endpoint`);
  const listenerName = (match[1] ?? '').toUpperCase();
  const securityProtocol = protocols.get(listenerName);
  if (securityProtocol === undefined) {
    throw creationError(text, `No security protocol defined for listener ${listenerName}`);
  }
  return { listenerName, securityProtocol, host: match[2] ?? match[3] ?? '', port };
}

function mustHaveDistinctNames(endPoints: readonly EndPoint[], text: string): void {
  const names = new Set(endPoints.map((endPoint) => endPoint.listenerName));
  if (names.size !== endPoints.length) {
    throw new ConfigError(`Each listener must have a different name, listeners: ${text}`);
  }
}

/** One port may serve one IPv4 and one IPv6 address; 0 stands for a different port each time. */
function mustHaveDistinctPorts(endPoints: readonly EndPoint[], text: string): void {
  const families = new Map<number, ('v4' | 'v6' | 'name')[]>();
  for (const { host, port } of endPoints) {
    if (port !== 0) families.set(port, [...(families.get(port) ?? []), addressFamily(host)]);
  }
  for (const sharing of families.values()) {
    if (sharing.length === 1 || sharing.toSorted().join() === 'v4,v6') continue;
    throw new ConfigError(`Each listener must have a different port, listeners: ${text}`);
  }
}

function addressFamily(host: string): 'v4' | 'v6' | 'name' {
  if (host.includes(':')) return 'v6';
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) ? 'v4' : 'name';
}

function creationError(text: string, problem: string): ConfigError {
  return new ConfigError(`Error creating broker listeners from '${text}': ${problem}`);
}

function asSecurityProtocol(text: string): SecurityProtocol | undefined {
  return SECURITY_PROTOCOLS.find((protocol) => protocol === text.toUpperCase());
}

/** Splits at commas; empty parts do not count. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
