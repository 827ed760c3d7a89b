// startBroker: a broker in this process, for programs and tests. Several may run at once.

import { hostname, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import {
  type FileSystem,
  type Logger,
  MetricsRegistry,
  mustBePresent,
  NodeBackgroundThreads,
  NodeFileSystem,
  NodeSockets,
  SystemClock,
  SystemRandom,
  silentLogger,
} from '@ottla/base';
import {
  type BrokerPorts,
  BrokerServer,
  type ClientTelemetryReceiver,
  formatHostAndPort,
  KafkaConfig,
  type LoggerLevels,
  type Rebalance,
} from '@ottla/broker';
import { preflight } from './preflight.ts';
import { startSettings } from './start-settings.ts';

export interface StartBrokerOptions {
  /** 0, the default: any free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Where the data is kept. Absent: in a temporary directory, which is removed on close. */
  readonly dataDir?: string;
  /** Keys of server.properties; they win over `port`, `host` and `dataDir`. */
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  /** Make topics of partition directories that no topic is known for. */
  readonly adoptLogDirs?: boolean;
  /** Default: nothing is logged. */
  readonly logger?: Logger;
  readonly loggerLevels?: LoggerLevels;
  /** Takes the metrics that clients push (KIP-714), as subscriptions of CLIENT_METRICS resources ask for them. Absent: none are pushed. */
  readonly clientTelemetryReceiver?: ClientTelemetryReceiver;
  /** The broker cannot go on, for instance since its disk failed. Default: the failure is logged. */
  readonly onFatal?: (error: Error) => void;
}

export interface RunningBroker {
  /** Of the first listener, as clients are told. */
  readonly host: string;
  readonly port: number;
  /** `127.0.0.1:41234`, ready for a client's configuration. */
  readonly bootstrapServers: string;
  readonly brokerId: number;
  readonly clusterId: string;
  /** Absolute; the first of log.dirs. */
  readonly dataDir: string;
  /** The last rebalances of a consumer group of the classic protocol, oldest first: who joined, left or timed out, why, and how long each
   *  phase took. undefined: no group of that name. Only while the broker runs. */
  rebalanceTimeline(groupId: string): readonly Rebalance[] | undefined;
  /** Stops in order and frees everything; a temporary directory is removed. Safe to call twice. */
  close(): Promise<void>;
}

/** Resolves when the broker answers.
 *  @throws ConfigError and the errors of BrokerServer.start; nothing of the broker is left then */
export async function startBroker(options: StartBrokerOptions = {}): Promise<RunningBroker> {
  const ports = nodePorts(options);
  const given = new Map(Object.entries(options.config ?? {}).map(([key, value]) => [key, String(value)]));
  const temporaryDir = isDataDirGiven(options) ? undefined : temporaryDirectory(ports);
  const listeners = `PLAINTEXT://${formatHostAndPort(options.host ?? '127.0.0.1', options.port ?? 0)}`;
  const dataDir = options.dataDir ?? temporaryDir ?? '';
  const config = KafkaConfig.fromProperties(startSettings(ports.fileSystem, { listeners, dataDir, given }));
  return runBroker({ ...options, config, ports, temporaryDir });
}

export interface RunBrokerOptions extends Pick<StartBrokerOptions, 'adoptLogDirs' | 'onFatal'> {
  readonly config: KafkaConfig;
  readonly ports: BrokerPorts;
  /** Removed on close. */
  readonly temporaryDir?: string | undefined;
}

/** Starts a broker whose settings are complete. @throws as startBroker */
export async function runBroker(options: RunBrokerOptions): Promise<RunningBroker> {
  const { config, ports, temporaryDir, adoptLogDirs = false } = options;
  const logger = ports.logger.child('kafka.server.KafkaServer');
  for (const warning of config.warnings) logger.warn(warning);
  await preflight(config, ports);
  const onFatal = options.onFatal ?? ((error: Error) => logger.error('the broker cannot go on', { error }));
  const server = new BrokerServer({ config, ports, adoptLogDirs, onFatal });
  try {
    await server.start();
  } catch (error) {
    removeIfTemporary(ports.fileSystem, temporaryDir);
    throw error;
  }
  return toRunningBroker(server, options);
}

/** The real world. */
export function nodePorts(
  options: Pick<StartBrokerOptions, 'logger' | 'loggerLevels' | 'clientTelemetryReceiver'>,
): BrokerPorts {
  const clock = new SystemClock();
  return {
    clock,
    random: new SystemRandom(),
    fileSystem: new NodeFileSystem(),
    backgroundThreads: new NodeBackgroundThreads(),
    sockets: new NodeSockets(clock),
    logger: options.logger ?? silentLogger,
    metrics: new MetricsRegistry(clock),
    hostName: hostname(),
    loggerLevels: options.loggerLevels,
    clientTelemetryReceiver: options.clientTelemetryReceiver,
  };
}

function toRunningBroker(server: BrokerServer, { config, ports, temporaryDir }: RunBrokerOptions): RunningBroker {
  const { host, port } = mustBePresent(server.endPoints[0], 'the first listener');
  const close = async () => {
    await server.close();
    removeIfTemporary(ports.fileSystem, temporaryDir);
  };
  let closing: Promise<void> | undefined;
  return {
    host,
    port,
    bootstrapServers: formatHostAndPort(host, port),
    brokerId: server.brokerId,
    clusterId: server.clusterId,
    dataDir: resolve(mustBePresent(config.logDirs[0], 'log.dirs')),
    rebalanceTimeline: (groupId) => server.services.groupCoordinator.rebalanceTimeline(groupId),
    close() {
      closing ??= close();
      return closing;
    },
  };
}

function isDataDirGiven({ dataDir, config = {} }: StartBrokerOptions): boolean {
  return dataDir !== undefined || config['log.dirs'] !== undefined || config['log.dir'] !== undefined;
}

function temporaryDirectory({ random }: BrokerPorts): string {
  return join(tmpdir(), `ottla-${random.bytes(8).toString('hex')}`);
}

function removeIfTemporary(fileSystem: FileSystem, temporaryDir: string | undefined): void {
  if (temporaryDir !== undefined) fileSystem.removeDirectorySync(temporaryDir);
}
