// The settings a broker starts with where nobody says otherwise, and how layers of settings lie over each other.

import { type ConfigProperties, type FileSystem, StorageError } from '@ottla/base';
import { MetaPropertiesFile } from '@ottla/storage';

export const DEFAULT_LISTENERS = 'PLAINTEXT://127.0.0.1:9092';
export const DEFAULT_DATA_DIR = './data';

/** As in the server.properties that Apache Kafka ships, where that differs from Kafka's defaults. Internal topics have one replica anyway:
 *  the broker sees to that. */
const SHIPPED_SETTINGS: ReadonlyMap<string, string> = new Map([['group.initial.rebalance.delay.ms', '0']]);

/** For a broker without a file. A new data directory belongs to broker 0, an existing one to whom it says. */
export function startSettings(
  fileSystem: FileSystem,
  { listeners, dataDir, given }: { listeners: string; dataDir: string; given: ConfigProperties },
): Map<string, string | null> {
  const settings = new Map<string, string | null>([...SHIPPED_SETTINGS, ['listeners', listeners]]);
  if (!given.has('log.dir')) settings.set('log.dirs', dataDir);
  for (const [key, value] of given) settings.set(key, value);
  const logDirs = settings.get('log.dirs') ?? settings.get('log.dir') ?? '';
  const hasId = settings.has('broker.id') || settings.has('node.id');
  if (!hasId && !belongsToABroker(fileSystem, logDirs)) settings.set('broker.id', '0');
  return settings;
}

function belongsToABroker(fileSystem: FileSystem, logDirs: string): boolean {
  const paths = logDirs.split(',').map((path) => path.trim());
  return paths.some((path) => path !== '' && isSomebodys(fileSystem, path));
}

/** A directory that cannot be read may be somebody's; what is wrong with it is said before the start. */
function isSomebodys(fileSystem: FileSystem, path: string): boolean {
  try {
    return new MetaPropertiesFile(fileSystem, path).read()?.brokerId !== undefined;
  } catch (error) {
    if (error instanceof StorageError) return true;
    throw error;
  }
}
