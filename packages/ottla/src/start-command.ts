// `ottla start`: settings from file and command line, a broker, and an orderly stop at SIGTERM and SIGINT.

import type { Logger } from '@ottla/base';
import { type BrokerPorts, KafkaConfig, LOG_LEVELS } from '@ottla/broker';
import { BrokerLogger, type LogSink } from './broker-logger.ts';
import type { LogFormat, StartArguments } from './cli-arguments.ts';
import { humanLogSink } from './human-log-sink.ts';
import { LogLevels } from './log-levels.ts';
import { nodePorts, type RunningBroker, runBroker } from './start-broker.ts';
import { DEFAULT_DATA_DIR, DEFAULT_LISTENERS, startSettings } from './start-settings.ts';

/** Runs until a signal. @throws whatever a start can fail with */
export async function startCommand(args: StartArguments): Promise<void> {
  const levels = new LogLevels(LOG_LEVELS.find((level) => level === args.logLevel) ?? 'INFO');
  const logger = new BrokerLogger(levels, await createSink(args.logFormat));
  const ports = nodePorts({ logger, loggerLevels: levels });
  const config = KafkaConfig.fromProperties(await collectSettings(args, ports));
  if (args.dryRun) return printAdoption(config, ports);
  const { adoptLogDirs } = args;
  const starting = runBroker({ config, ports, adoptLogDirs, onFatal: (error) => dieOf(error, logger) });
  stopAtSignals(starting, logger);
  sayReady(await starting, logger);
}

async function createSink(format: LogFormat): Promise<LogSink> {
  const write = (text: string) => void process.stdout.write(text);
  if (format === 'human') return humanLogSink(nodePorts({}).clock, write);
  const { jsonLogSink } = await import('./json-log-sink.ts');
  return jsonLogSink(write);
}

/** A file stands for itself; without one this program's own settings hold. The command line wins over both. */
async function collectSettings({ propertiesFile, overrides }: StartArguments, { fileSystem }: BrokerPorts) {
  if (propertiesFile === undefined) {
    return startSettings(fileSystem, { listeners: DEFAULT_LISTENERS, dataDir: DEFAULT_DATA_DIR, given: overrides });
  }
  const { readPropertiesFile } = await import('./properties-file.ts');
  return new Map([...readPropertiesFile(fileSystem, propertiesFile), ...overrides]);
}

async function printAdoption(config: KafkaConfig, ports: BrokerPorts): Promise<void> {
  const { describeAdoption } = await import('./describe-adoption.ts');
  process.stdout.write(await describeAdoption(config, ports));
}

function sayReady(broker: RunningBroker, logger: Logger): void {
  logger.info(
    `ready: ${broker.bootstrapServers}, broker ${broker.brokerId}, cluster ${broker.clusterId}, data in ${broker.dataDir}`,
  );
}

/** The first signal stops in order, also while the broker starts; the second one at once. */
function stopAtSignals(starting: Promise<RunningBroker>, logger: Logger): void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals) => {
    if (isStopping) process.exit(1);
    isStopping = true;
    logger.info(`stopping: ${signal} arrived; a second one stops at once`);
    stop(starting).then(
      () => {
        logger.info('stopped');
        process.exit(0);
      },
      (error: unknown) => dieOf(error, logger),
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

async function stop(starting: Promise<RunningBroker>): Promise<void> {
  // A start that fails meanwhile is reported by whoever awaits it.
  const broker = await starting.catch(() => undefined);
  await broker?.close();
}

function dieOf(error: unknown, logger: Logger): never {
  logger.error('the broker cannot go on', { error });
  process.exit(1);
}
