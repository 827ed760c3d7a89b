// What can be found out before anything is written: whose the log directories are, whether they are usable, whether the ports are free. A
// start that cannot succeed must leave no trace. Everything here is checked again, by the parts that own it, when the broker starts.

import { resolve } from 'node:path';
import { ConfigError, type FileSystem, SocketError, type Sockets, StorageError } from '@ottla/base';
import { type EndPoint, formatHostAndPort, type KafkaConfig } from '@ottla/broker';
import { agreeOnMetaProperties, CheckpointFormatError, type MetaProperties, MetaPropertiesFile } from '@ottla/storage';

/** @throws ConfigError, InconsistentMetaPropertiesError: a sentence that says what stands in the way */
export async function preflight(
  config: KafkaConfig,
  ports: { fileSystem: FileSystem; sockets: Sockets },
): Promise<void> {
  checkLogDirs(config, ports.fileSystem);
  for (const listener of config.listeners) await probe(listener, ports.sockets);
}

function checkLogDirs(config: KafkaConfig, fileSystem: FileSystem): void {
  const found = new Map<string, MetaProperties>();
  for (const logDir of config.logDirs.map((path) => resolve(path))) {
    const properties = inspect(fileSystem, logDir);
    if (properties !== undefined) found.set(logDir, properties);
  }
  const stored = agreeOnMetaProperties(found)?.brokerId;
  if (config.brokerId === -1 || stored === undefined || stored === config.brokerId) return;
  const [logDir] = found.keys();
  throw new ConfigError(
    `${logDir} belongs to broker ${stored}, and broker.id is ${config.brokerId}: give the right broker.id, or other log.dirs`,
  );
}

function inspect(fileSystem: FileSystem, logDir: string): MetaProperties | undefined {
  const stat = fileSystem.statSync(logDir);
  if (stat === undefined) return undefined;
  if (!stat.isDirectory) throw new ConfigError(`${logDir} in log.dirs is not a directory`);
  try {
    return new MetaPropertiesFile(fileSystem, logDir).read();
  } catch (error) {
    if (error instanceof CheckpointFormatError) throw new ConfigError(error.message, { cause: error });
    // Another directory may do: the log manager takes this one offline.
    if (error instanceof StorageError) return undefined;
    throw error;
  }
}

/** Takes the port and gives it back. */
async function probe({ host, port, listenerName }: EndPoint, sockets: Sockets): Promise<void> {
  if (port === 0) return;
  try {
    const listener = await sockets.listen({ host, port }, (connection) => connection.destroy());
    await listener.close();
  } catch (error) {
    if (!(error instanceof SocketError)) throw error;
    throw new ConfigError(
      `listener ${listenerName} cannot use ${formatHostAndPort(host, port)}: ${reason(error.code)}`,
      {
        cause: error,
      },
    );
  }
}

function reason(code: string): string {
  switch (code) {
    case 'EADDRINUSE':
      return 'another program listens there';
    case 'EACCES':
      return 'this user may not listen on that port';
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return 'this machine does not have that address';
    default:
      return code;
  }
}
