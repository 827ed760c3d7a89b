// Tests that need somebody else's runtime skip with one line where it is missing, and fail where OTTLA_REQUIRE_FOREIGN=1 asks for it.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** @returns what to hand to `test` as `skip`: false to run, or the reason. @throws Error when running is required */
export function skipUnless(isThere: boolean, what: string): false | string {
  if (isThere) return false;
  if (process.env.OTTLA_REQUIRE_FOREIGN === '1') throw new Error(`${what} is required and missing`);
  return `${what} is missing`;
}

export function hasCommand(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

/** The jars of an Apache Kafka release, where the reference installation keeps them. */
export function kafkaJars(version: string): string {
  return join(process.env.REFERENCE_KAFKA_HOME ?? join(homedir(), '.cache/reference-kafka'), version, 'lib');
}

export function hasKafka(version: string): boolean {
  return hasCommand('java') && existsSync(kafkaJars(version));
}
