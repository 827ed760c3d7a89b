// `meta.properties`: whose log dir this is. A broker refuses a directory of another broker or cluster.
// Source: Kafka's MetaPropertiesEnsemble and BrokerMetadataCheckpoint, version 0 (ZooKeeper mode; KRaft writes version 1).

import { join } from 'node:path';
import type { FileSystem } from '@ottla/base';
import { CheckpointFormatError, replaceFileSync } from './checkpoint-file.ts';

export const META_PROPERTIES_FILE = 'meta.properties';

export interface MetaProperties {
  readonly brokerId: number | undefined;
  readonly clusterId: string | undefined;
  /** The file's other keys, kept when it is written again (directory.id …). */
  readonly others: ReadonlyMap<string, string>;
}

/** Two log dirs, or a log dir and the cluster, disagree about whose they are. */
export class InconsistentMetaPropertiesError extends Error {
  override readonly name = 'InconsistentMetaPropertiesError';
}

export class MetaPropertiesFile {
  readonly path: string;
  readonly #fileSystem: FileSystem;

  constructor(fileSystem: FileSystem, logDirectory: string) {
    this.#fileSystem = fileSystem;
    this.path = join(logDirectory, META_PROPERTIES_FILE);
  }

  /** @returns undefined when there is no file. @throws CheckpointFormatError */
  read(): MetaProperties | undefined {
    if (this.#fileSystem.statSync(this.path) === undefined) return undefined;
    const properties = parseProperties(this.#fileSystem.readFileSync(this.path).toString('latin1'));
    const version = properties.get('version');
    if (version !== '0' && version !== '1') {
      throw new CheckpointFormatError(this.path, `version is ${JSON.stringify(version)}, expected 0 or 1`);
    }
    const brokerId = properties.get('broker.id') ?? properties.get('node.id');
    if (brokerId !== undefined && !/^-?\d+$/.test(brokerId)) {
      throw new CheckpointFormatError(this.path, `broker.id is ${JSON.stringify(brokerId)}`);
    }
    const clusterId = properties.get('cluster.id');
    for (const known of ['version', 'broker.id', 'node.id', 'cluster.id']) properties.delete(known);
    return { brokerId: brokerId === undefined ? undefined : Number(brokerId), clusterId, others: properties };
  }

  /** @param now for the comment line that Java's Properties writes */
  write(properties: MetaProperties, now: Date): void {
    const lines = ['#', `#${javaDate(now)}`];
    if (properties.brokerId !== undefined) lines.push(`broker.id=${properties.brokerId}`);
    lines.push('version=0');
    if (properties.clusterId !== undefined) lines.push(`cluster.id=${escapeValue(properties.clusterId)}`);
    for (const [key, value] of properties.others) lines.push(`${key}=${escapeValue(value)}`);
    replaceFileSync(this.#fileSystem, this.path, Buffer.from(`${lines.join('\n')}\n`, 'latin1'));
  }
}

/** One answer for all log dirs. @throws InconsistentMetaPropertiesError when two of them differ */
export function agreeOnMetaProperties(found: ReadonlyMap<string, MetaProperties>): MetaProperties | undefined {
  let agreed: { directory: string; brokerId: number | undefined; clusterId: string | undefined } | undefined;
  for (const [directory, { brokerId, clusterId }] of found) {
    if (agreed === undefined) agreed = { directory, brokerId, clusterId };
    else if (agreed.brokerId !== brokerId || agreed.clusterId !== clusterId) {
      throw new InconsistentMetaPropertiesError(
        `log dirs belong to different brokers: ${agreed.directory} to broker ${agreed.brokerId} of cluster ${agreed.clusterId}, ` +
          `${directory} to broker ${brokerId} of cluster ${clusterId}`,
      );
    }
  }
  return agreed && { brokerId: agreed.brokerId, clusterId: agreed.clusterId, others: new Map() };
}

/** The part of java.util.Properties that the file needs: comments, `key=value`, backslash escapes. */
function parseProperties(text: string): Map<string, string> {
  const properties = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#') || trimmed.startsWith('!')) continue;
    const match = /^((?:\\.|[^=:\s\\])+)\s*[=:\s]\s*(.*)$/.exec(trimmed);
    if (match?.[1] !== undefined && match[2] !== undefined)
      properties.set(unescapeText(match[1]), unescapeText(match[2]));
  }
  return properties;
}

function unescapeText(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})|\\(.)/g, (_, code: string | undefined, char: string | undefined) =>
    code === undefined ? (char ?? '') : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

function escapeValue(value: string): string {
  return value.replace(/[\\=:#!]/g, '\\$&');
}

/** `Fri Nov 20 23:01:17 UTC 2026` */
function javaDate(date: Date): string {
  const [day, dayOfMonth, month, year, time] = date.toUTCString().replace(',', '').split(' ');
  return `${day} ${month} ${dayOfMonth} ${time} UTC ${year}`;
}
