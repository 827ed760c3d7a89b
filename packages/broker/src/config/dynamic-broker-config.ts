// DynamicBrokerConfig: lays the settings of the tree, for this broker and for all brokers, over server.properties, checks changes before
// they are stored, and brings them into force. Source: kafka.server.DynamicBrokerConfig (3.9), KIP-226.

import { ConfigError, type ConfigProperties, Errors, KafkaError, type Logger, type ParsedConfig } from '@ottla/base';
import { brokerConfigDef } from './broker-config-def.ts';
import {
  brokerConfigKeyOf,
  brokerConfigSynonyms,
  brokerQuotaDef,
  isDynamicBrokerConfig,
  isListenerSecurityConfig,
  isPerBrokerConfig,
} from './dynamic-config-defs.ts';
import { KafkaConfig } from './kafka-config.ts';
import { changedKeys, type Reconfigurable } from './reconfigurable.ts';
import { standardReconfigurables } from './standard-reconfigurables.ts';

type TextMap = ReadonlyMap<string, string>;

export class DynamicBrokerConfig {
  readonly #config: KafkaConfig;
  readonly #logger: Logger;
  readonly #reconfigurables: Reconfigurable[] = [...standardReconfigurables];
  /** As stored for this broker. */
  #brokerConfigs: TextMap = new Map();
  /** As stored for all brokers. */
  #defaultConfigs: TextMap = new Map();

  constructor(config: KafkaConfig, logger: Logger) {
    this.#config = config;
    this.#logger = logger;
  }

  get currentDynamicBrokerConfigs(): TextMap {
    return this.#brokerConfigs;
  }

  get currentDynamicDefaultConfigs(): TextMap {
    return this.#defaultConfigs;
  }

  /** A rate of `brokerQuotaDef` in force: this broker's, else the one for all brokers. Source: BrokerConfigHandler.processConfigChanges */
  bytesPerSecond(name: string): number {
    const text = this.#brokerConfigs.get(name) ?? this.#defaultConfigs.get(name);
    return text === undefined ? Number.POSITIVE_INFINITY : Number(text);
  }

  addReconfigurable(reconfigurable: Reconfigurable): void {
    this.#reconfigurables.push(reconfigurable);
  }

  /** May `properties` be stored as the settings of this broker, or of all brokers?
   *  @throws KafkaError INVALID_REQUEST in Kafka's words; ConfigError for a secret, which cannot be stored */
  validate(properties: TextMap, perBroker: boolean): void {
    mustNotHoldSecrets(properties);
    mustBeDynamic(properties, perBroker);
    try {
      mustParse(properties);
      const broker = perBroker ? properties : this.#brokerConfigs;
      const defaults = perBroker ? this.#defaultConfigs : properties;
      this.#validateEffective(KafkaConfig.parseAndValidate(this.#effective(broker, defaults)));
    } catch (error) {
      if (error instanceof ConfigError) throw new KafkaError(Errors.INVALID_REQUEST, error.message, { cause: error });
      throw error;
    }
  }

  /** Brings what the tree holds for this broker into force. Values that cannot be used are logged and left out. */
  updateBrokerConfig(stored: TextMap): void {
    this.#brokerConfigs = this.#withoutUnusable(stored, true);
    this.#applyEffective();
  }

  /** Brings what the tree holds for all brokers into force. */
  updateDefaultConfig(stored: TextMap): void {
    this.#defaultConfigs = this.#withoutUnusable(stored, false);
    this.#applyEffective();
  }

  #validateEffective(wanted: ParsedConfig): void {
    for (const { keys, validate } of this.#reconfigurables) {
      if (validate === undefined || changedKeys(keys, this.#config.values, wanted).length === 0) continue;
      try {
        validate(this.#config.values, wanted);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        // Kafka wraps the refusal so, and tools look for it.
        throw ConfigError.invalidValue(
          'Invalid dynamic configuration',
          `org.apache.kafka.common.config.ConfigException: ${error.message}`,
        );
      }
    }
  }

  #applyEffective(): void {
    const previous = this.#config.values;
    let current: ParsedConfig;
    try {
      current = KafkaConfig.parseAndValidate(this.#effective(this.#brokerConfigs, this.#defaultConfigs));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#logger.error('the settings in the tree contradict server.properties; the values before stay in force', {
        error,
      });
      return;
    }
    const changed = changedKeys(brokerConfigDef.keys.keys(), previous, current);
    this.#config.replaceValues(current);
    if (changed.length > 0) this.#logger.info('settings changed while running', { keys: changed });
    for (const reconfigurable of this.#reconfigurables) {
      if (reconfigurable.keys.some((key) => changed.includes(key))) reconfigurable.reconfigure(previous, current);
    }
  }

  /** server.properties, over it the settings of all brokers, over them this broker's. */
  #effective(broker: TextMap, defaults: TextMap): ConfigProperties {
    const effective = new Map(this.#config.staticProperties);
    for (const layer of [defaults, broker]) {
      for (const [name, value] of layer) {
        for (const synonym of brokerConfigSynonyms(name)) effective.delete(synonym);
        effective.set(name, value);
      }
    }
    return effective;
  }

  #withoutUnusable(stored: TextMap, perBroker: boolean): TextMap {
    const usable = new Map(stored);
    for (const [name, value] of stored) {
      try {
        this.validate(new Map([[name, value]]), perBroker);
      } catch (error) {
        if (!(error instanceof KafkaError || error instanceof ConfigError)) throw error;
        if (isThreadCountRefusal(error)) continue;
        this.#logger.error('ignoring a setting of the tree', { name, error });
        usable.delete(name);
      }
    }
    return usable;
  }
}

/** How far a value may move at once is a rule for whoever changes it, not for what is stored already. */
function isThreadCountRefusal(error: Error): boolean {
  return error.message.endsWith('for configuration Invalid dynamic configuration');
}

function mustNotHoldSecrets(properties: TextMap): void {
  for (const name of properties.keys()) {
    if (brokerConfigKeyOf(name)?.type === 'password') throw new ConfigError('Password encoder secret not configured');
  }
}

function mustBeDynamic(properties: TextMap, perBroker: boolean): void {
  const names = [...properties.keys()];
  refuse(
    names.filter((name) => brokerConfigDef.has(name) && !isDynamicBrokerConfig(name)),
    'Cannot update these configs dynamically',
  );
  refuse(
    names.filter(isListenerSecurityConfig),
    'These security configs can be dynamically updated only per-listener using the listener prefix',
  );
  if (perBroker) return;
  refuse(
    names.filter(isPerBrokerConfig),
    'Cannot update these configs at default cluster level, broker id must be specified',
  );
}

function refuse(names: readonly string[], problem: string): void {
  if (names.length > 0) throw new KafkaError(Errors.INVALID_REQUEST, `${problem}: Set(${names.join(', ')})`);
}

/** Settings that no table knows pass: Kafka keeps them for plug-ins. */
function mustParse(properties: TextMap): void {
  for (const [name, value] of properties) {
    const def = brokerConfigDef.has(name) ? brokerConfigDef : brokerQuotaDef;
    if (def.has(name)) def.parseValue(name, value);
  }
}
