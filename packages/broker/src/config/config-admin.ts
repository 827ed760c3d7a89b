// Changes of settings by request: AlterConfigs replaces all that was set for a resource, IncrementalAlterConfigs changes single keys.
// Source: kafka.server.{ZkAdminManager, ConfigAdminManager} (3.9), KIP-133, KIP-339, KIP-412.

import { type ConfigDef, ConfigError, Errors, KafkaError } from '@ottla/base';
import { logConfigDef } from '@ottla/storage';
import { brokerConfigDef } from './broker-config-def.ts';
import { clientMetricsConfigDef, validateClientMetricsConfig } from './client-metrics-config.ts';
import {
  brokerIdOfResource,
  type ConfigResource,
  ConfigResourceType,
  formatConfigResource,
  resourceTypeName,
} from './config-resource.ts';
import { type ConfigEntityPath, type ConfigStore, DEFAULT_ENTITY_NAME } from './config-store.ts';
import type { DynamicBrokerConfig } from './dynamic-broker-config.ts';
import type { KafkaConfig } from './kafka-config.ts';
import { LOG_LEVELS, type LoggerLevels, type LogLevel, ROOT_LOGGER } from './logger-levels.ts';
import { validateTopicConfig } from './topic-config.ts';

/** By the numbers on the wire. */
export const AlterOperation = { SET: 0, DELETE: 1, APPEND: 2, SUBTRACT: 3 } as const;

export interface ConfigOperation {
  readonly name: string;
  readonly operation: number;
  readonly value: string | null;
}

/** Where client metrics subscriptions stand in the tree. Kafka has no place for them in ZooKeeper mode; brokers are not notified. */
export const CLIENT_METRICS_TYPE = 'client-metrics';

export interface ConfigAdminOptions {
  readonly config: KafkaConfig;
  readonly dynamicBrokerConfig: DynamicBrokerConfig;
  readonly store: ConfigStore;
  readonly loggerLevels: LoggerLevels;
  readonly brokerId: number;
  readonly topicExists: (topic: string) => boolean;
}

/** What may be changed of one kind of resource, and how. */
interface Target {
  readonly entity: ConfigEntityPath;
  /** Tells which keys are lists, and their defaults. */
  readonly def: ConfigDef;
  readonly notify: boolean;
  validate(wanted: ReadonlyMap<string, string>): void;
}

export class ConfigAdmin {
  readonly #options: ConfigAdminOptions;

  constructor(options: ConfigAdminOptions) {
    this.#options = options;
  }

  /** Makes `configs` all that is set for the resource. @throws KafkaError */
  async alter(
    resource: ConfigResource,
    configs: readonly { name: string; value: string | null }[],
    validateOnly: boolean,
  ): Promise<void> {
    refuseDuplicates(configs);
    refuseNulls(configs.filter(({ value }) => value === null).map(({ name }) => name));
    if (resource.type === ConfigResourceType.BROKER_LOGGER) throw unsupported(resource);
    const wanted = new Map(configs.map(({ name, value }) => [name, value ?? '']));
    await this.#change(resource, this.#target(resource), validateOnly, () => wanted);
  }

  /** Changes single keys. @throws KafkaError */
  async incrementalAlter(
    resource: ConfigResource,
    operations: readonly ConfigOperation[],
    validateOnly: boolean,
  ): Promise<void> {
    refuseDuplicates(operations);
    refuseNulls(
      operations
        .filter(({ operation, value }) => operation !== AlterOperation.DELETE && value === null)
        .map(({ name }) => name),
    );
    if (resource.type === ConfigResourceType.BROKER_LOGGER)
      return this.#alterLoggers(resource, operations, validateOnly);
    const target = this.#target(resource);
    await this.#change(resource, target, validateOnly, (current) => applyOperations(current, operations, target.def));
  }

  async #change(
    resource: ConfigResource,
    target: Target,
    validateOnly: boolean,
    update: (current: ReadonlyMap<string, string>) => ReadonlyMap<string, string>,
  ): Promise<void> {
    const validated = (current: ReadonlyMap<string, string>) => {
      const wanted = update(current);
      validateOrExplain(resource, target, wanted);
      return validateOnly ? undefined : wanted;
    };
    await this.#options.store.change(target.entity, validated, { notify: target.notify });
  }

  #target(resource: ConfigResource): Target {
    switch (resource.type) {
      case ConfigResourceType.TOPIC:
        return this.#topicTarget(resource.name);
      case ConfigResourceType.BROKER:
        return this.#brokerTarget(resource.name);
      case ConfigResourceType.CLIENT_METRICS:
        return {
          entity: { rootType: CLIENT_METRICS_TYPE, name: encodeURIComponent(resource.name) },
          def: clientMetricsConfigDef,
          notify: false,
          validate: (wanted) => validateClientMetricsConfig(resource.name, wanted),
        };
      default:
        throw unsupported(resource);
    }
  }

  #topicTarget(topic: string): Target {
    if (topic === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Default topic resources are not allowed.');
    if (!this.#options.topicExists(topic)) {
      throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, `The topic '${topic}' does not exist.`);
    }
    return {
      entity: { rootType: 'topics', name: topic },
      def: logConfigDef,
      notify: true,
      validate: (wanted) => validateTopicConfig(this.#options.config, wanted),
    };
  }

  #brokerTarget(name: string): Target {
    const perBroker = name !== '';
    if (perBroker) this.#mustBeThisBroker(name);
    return {
      entity: { rootType: 'brokers', name: perBroker ? name : DEFAULT_ENTITY_NAME },
      def: brokerConfigDef,
      notify: true,
      validate: (wanted) => this.#options.dynamicBrokerConfig.validate(wanted, perBroker),
    };
  }

  #mustBeThisBroker(name: string): void {
    const { brokerId } = this.#options;
    if (brokerIdOfResource(name, 'Node') === brokerId) return;
    throw new KafkaError(Errors.INVALID_REQUEST, `Unexpected broker id, expected ${brokerId}, but received ${name}`);
  }

  #alterLoggers(resource: ConfigResource, operations: readonly ConfigOperation[], validateOnly: boolean): void {
    this.#mustBeThisBroker(resource.name);
    const { loggerLevels } = this.#options;
    const levels = operations.map((operation) => wantedLevel(operation, loggerLevels));
    if (validateOnly) return;
    for (const { name, level } of levels) {
      if (level === undefined) loggerLevels.unsetLevel(name);
      else loggerLevels.setLevel(name, level);
    }
  }
}

function validateOrExplain(resource: ConfigResource, target: Target, wanted: ReadonlyMap<string, string>): void {
  try {
    target.validate(wanted);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = `Invalid config value for resource ${formatConfigResource(resource)}: ${error.message}`;
    throw new KafkaError(Errors.INVALID_CONFIG, message, { cause: error });
  }
}

function applyOperations(
  current: ReadonlyMap<string, string>,
  operations: readonly ConfigOperation[],
  def: ConfigDef,
): Map<string, string> {
  const wanted = new Map(current);
  for (const { name, operation, value } of operations) {
    switch (operation) {
      case AlterOperation.SET:
        wanted.set(name, value ?? '');
        break;
      case AlterOperation.DELETE:
        wanted.delete(name);
        break;
      case AlterOperation.APPEND: {
        const before = listBefore(name, wanted, def, 'append');
        const added = (value ?? '').split(',').filter((element) => !before.includes(element));
        wanted.set(name, [...before, ...added].join(','));
        break;
      }
      case AlterOperation.SUBTRACT: {
        const taken = (value ?? '').split(',');
        const left = listBefore(name, wanted, def, 'subtract').filter((element) => !taken.includes(element));
        wanted.set(name, left.join(','));
        break;
      }
      default:
        throw new KafkaError(Errors.INVALID_REQUEST, `Unknown operation ${operation} for config key: ${name}`);
    }
  }
  return wanted;
}

/** The list that stands now: set, or the default. */
function listBefore(name: string, current: ReadonlyMap<string, string>, def: ConfigDef, verb: string): string[] {
  const key = def.get(name);
  if (key === undefined) throw new KafkaError(Errors.INVALID_CONFIG, `Unknown config name: ${name}`);
  if (key.type !== 'list') {
    throw new KafkaError(Errors.INVALID_CONFIG, `Config value ${verb} is not allowed for config key: ${name}`);
  }
  const text = current.get(name) ?? key.default ?? '';
  return text === '' ? [] : text.split(',');
}

function wantedLevel(
  { name, operation, value }: ConfigOperation,
  levels: LoggerLevels,
): { name: string; level: LogLevel | undefined } {
  if (operation === AlterOperation.APPEND || operation === AlterOperation.SUBTRACT) {
    const verb = operation === AlterOperation.APPEND ? 'APPEND' : 'SUBTRACT';
    throw new KafkaError(Errors.INVALID_REQUEST, `${verb} operation is not allowed for the BROKER_LOGGER resource`);
  }
  if (!levels.levels().has(name)) throw new KafkaError(Errors.INVALID_CONFIG, `Logger ${name} does not exist!`);
  if (operation === AlterOperation.DELETE) {
    if (name !== ROOT_LOGGER) return { name, level: undefined };
    throw new KafkaError(Errors.INVALID_REQUEST, 'Removing the log level of the root logger is not allowed');
  }
  const level = LOG_LEVELS.find((each) => each === value);
  if (level !== undefined) return { name, level };
  throw new KafkaError(
    Errors.INVALID_CONFIG,
    `Cannot set the log level of ${name} to ${value} as it is not a supported log level. Valid log levels are ${LOG_LEVELS.join(', ')}`,
  );
}

function refuseDuplicates(configs: readonly { name: string }[]): void {
  if (new Set(configs.map(({ name }) => name)).size === configs.length) return;
  throw new KafkaError(Errors.INVALID_REQUEST, 'Error due to duplicate config keys');
}

function refuseNulls(names: readonly string[]): void {
  if (names.length > 0)
    throw new KafkaError(Errors.INVALID_REQUEST, `Null value not supported for : ${names.join(',')}`);
}

function unsupported({ type }: ConfigResource): KafkaError {
  const isElsewhere = type === ConfigResourceType.CLIENT_METRICS || type === ConfigResourceType.GROUP;
  return new KafkaError(
    Errors.INVALID_REQUEST,
    isElsewhere
      ? `AlterConfigs is only supported for topics and brokers, but resource type is ${resourceTypeName(type)}`
      : `Unknown resource type ${type}`,
  );
}
