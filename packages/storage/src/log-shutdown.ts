// The stop that leaves the next start nothing to recover: every log is synced and closed, then the checkpoints are written, then the clean
// shutdown marker, where all of it went well. Source: Kafka's LogManager.shutdown.

import type { Logger } from '@ottla/base';
import type { Log } from './log.ts';
import type { LogCheckpoints } from './log-checkpoints.ts';
import type { LogDirectories } from './log-directories.ts';
import type { LogDirectory } from './log-directory.ts';
import { noteFailure } from './log-tasks.ts';
import type { ManagedLogs } from './managed-logs.ts';

/** Logs of one dir that sync at once. */
const CLOSING_MAX = 8;

export interface LogShutdownParts {
  readonly logger: Logger;
  readonly directories: LogDirectories;
  readonly logs: ManagedLogs;
  readonly checkpoints: LogCheckpoints;
}

/** @param brokerEpoch goes into the marker */
export async function shutDownLogs(parts: LogShutdownParts, brokerEpoch: number | undefined): Promise<void> {
  await Promise.all(parts.directories.live.map((directory) => shutDownDirectory(parts, directory, brokerEpoch)));
}

async function shutDownDirectory(
  parts: LogShutdownParts,
  directory: LogDirectory,
  brokerEpoch: number | undefined,
): Promise<void> {
  const { logs, directories, checkpoints } = parts;
  // What was not loaded after an unclean stop still has to be scanned.
  const isLeft = [...logs.unloaded()].some((found) => found.logDirectory === directory.path);
  const areClosed = await closeAll(parts, logs.in(directory.path));
  const areWritten = await checkpoints.writeOf(directory);
  const isClean = areClosed && areWritten && (directory.hadCleanShutdown || !isLeft);
  if (!isClean || !directories.isLive(directory.path)) return;
  try {
    directory.cleanShutdownFile.write(brokerEpoch);
  } catch (error) {
    directories.refusedOrOffline(directory.path, error);
  }
}

/** @returns whether all of them went well */
async function closeAll(parts: LogShutdownParts, logs: readonly Log[]): Promise<boolean> {
  let wentWell = true;
  for (let first = 0; first < logs.length; first += CLOSING_MAX) {
    const closed = await Promise.all(logs.slice(first, first + CLOSING_MAX).map((log) => close(parts, log)));
    if (closed.includes(false)) wentWell = false;
  }
  return wentWell;
}

async function close({ logger }: LogShutdownParts, log: Log): Promise<boolean> {
  try {
    await log.close();
    return true;
  } catch (error) {
    noteFailure(logger, log, error);
    return false;
  }
}
