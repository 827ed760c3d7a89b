// What a broker needs of the world.

import type { BackgroundThreads, Clock, FileSystem, Logger, MetricsRegistry, Random, Sockets } from '@ottla/base';
import type { TreeConnector } from '@ottla/coordination';
import type { ClientTelemetryReceiver } from '../client-metrics/client-telemetry-receiver.ts';
import type { LoggerLevels } from '../config/index.ts';

export interface BrokerPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly fileSystem: FileSystem;
  readonly sockets: Sockets;
  /** For compaction; only where `fileSystem` is the real disk. Absent: it is done on the event loop. */
  readonly backgroundThreads?: BackgroundThreads | undefined;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** What this machine is called by others: advertised where a listener names no host. */
  readonly hostName: string;
  /** Absent: levels cannot be changed by requests. */
  readonly loggerLevels?: LoggerLevels | undefined;
  /** Where clients' metrics go (KIP-714). Absent: clients are not told that they could push any. */
  readonly clientTelemetryReceiver?: ClientTelemetryReceiver | undefined;
  /** A tree outside: tests and simulation share one among brokers. Absent: embedded, under the first log dir. */
  readonly treeConnector?: TreeConnector | undefined;
}
