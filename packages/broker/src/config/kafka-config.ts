// KafkaConfig: server.properties, typed, and what follows from several keys together. It shows the values in force: DynamicBrokerConfig
// replaces them while the broker runs. Source: kafka.server.KafkaConfig (3.9).

import { ConfigError, type ConfigProperties, type ConfigValue, type ParsedConfig } from '@ottla/base';
import { brokerConfigDef } from './broker-config-def.ts';
import { type EndPoint, parseEndPoints, parseSecurityProtocolMap, splitList } from './end-point.ts';
import { mustNotAskForTheUnbuilt, mustObeyRules } from './kafka-config-rules.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Kafka keeps settings of one listener under this prefix. */
const LISTENER_PREFIX = 'listener.name.';
/** Settings that Kafka hands on to plug-ins under the same file. */
const PLUGIN_PREFIXES = [LISTENER_PREFIX, 'rsm.config.', 'rlmm.config.', 'config.providers'];

/** What this broker runs with where a key is not given, in place of Kafka's default: the embedded tree has one broker, and an internal
 *  topic with three replicas could never be created. Kafka's own server.properties says the same. */
export const SINGLE_BROKER_DEFAULTS: ConfigProperties = new Map([
  ['offsets.topic.replication.factor', '1'],
  ['transaction.state.log.replication.factor', '1'],
  ['transaction.state.log.min.isr', '1'],
]);

export class KafkaConfig {
  #values: ParsedConfig;
  /** What server.properties gave, as text. */
  readonly staticProperties: ConfigProperties;

  private constructor(values: ParsedConfig) {
    this.#values = values;
    this.staticProperties = values.originals;
  }

  /** @throws ConfigError with one sentence that names the key */
  static fromProperties(given: ConfigProperties): KafkaConfig {
    const properties = withBothIds(new Map([...SINGLE_BROKER_DEFAULTS, ...given]));
    const config = new KafkaConfig(brokerConfigDef.parse(properties));
    mustNotAskForTheUnbuilt(config.#values);
    mustObeyRules(config);
    return config;
  }

  /** The values that `properties` would bring into force, checked as at the start. @throws ConfigError */
  static parseAndValidate(properties: ConfigProperties): ParsedConfig {
    return KafkaConfig.fromProperties(properties).#values;
  }

  /** Brings other values into force. Only for DynamicBrokerConfig. */
  replaceValues(values: ParsedConfig): void {
    this.#values = values;
  }

  get values(): ParsedConfig {
    return this.#values;
  }

  value(name: string): ConfigValue {
    return this.#values.value(name);
  }
  number(name: string): number {
    return this.#values.number(name);
  }
  boolean(name: string): boolean {
    return this.#values.boolean(name);
  }
  string(name: string): string {
    return this.#values.string(name);
  }
  stringOrNull(name: string): string | null {
    return this.#values.stringOrNull(name);
  }
  list(name: string): readonly string[] {
    return this.#values.list(name);
  }
  isGiven(name: string): boolean {
    return this.#values.isGiven(name);
  }

  /** −1: to be taken from meta.properties, or generated. */
  get brokerId(): number {
    return this.number('broker.id');
  }

  get brokerIdGenerationEnable(): boolean {
    return this.boolean('broker.id.generation.enable');
  }

  get rack(): string | null {
    return this.stringOrNull('broker.rack');
  }

  /** The release whose APIs are offered exactly; undefined: all that are built. */
  get apiLevel(): '1.0' | '1.1' | '2.5' | '3.9' | undefined {
    const level = this.string('ottla.api.level');
    return level === '1.0' || level === '1.1' || level === '2.5' || level === '3.9' ? level : undefined;
  }

  /** As written, not resolved; the first one also holds the tree. */
  get logDirs(): string[] {
    return splitList(this.stringOrNull('log.dirs') ?? this.string('log.dir'));
  }

  get listeners(): EndPoint[] {
    return this.#endPoints(this.string('listeners'), true);
  }

  /** What clients are told. Without advertised.listeners these are the listeners, whose port may be 0 and host empty. */
  get advertisedListeners(): EndPoint[] {
    return this.#endPoints(
      this.stringOrNull('advertised.listeners') ?? this.string('listeners'),
      !this.isGiven('advertised.listeners'),
    );
  }

  /** Upper case. */
  get interBrokerListenerName(): string {
    const name = this.stringOrNull('inter.broker.listener.name')?.toUpperCase();
    if (name === undefined) return this.string('security.inter.broker.protocol');
    if (this.isGiven('security.inter.broker.protocol')) {
      throw new ConfigError('Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.');
    }
    if (!this.#securityProtocols().has(name)) {
      throw new ConfigError(
        `Listener with name ${name} defined in inter.broker.listener.name not found in listener.security.protocol.map.`,
      );
    }
    return name;
  }

  /** −1: for ever. The finest unit that is given wins. */
  get logRetentionMs(): number {
    const ms = this.#finest('log.retention.ms', [
      ['log.retention.minutes', MINUTE_MS],
      ['log.retention.hours', HOUR_MS],
    ]);
    return ms < 0 ? -1 : ms;
  }

  get logRollMs(): number {
    return this.#finest('log.roll.ms', [['log.roll.hours', HOUR_MS]]);
  }

  get logRollJitterMs(): number {
    return this.#finest('log.roll.jitter.ms', [['log.roll.jitter.hours', HOUR_MS]]);
  }

  get logFlushIntervalMs(): number {
    return this.#finest('log.flush.interval.ms', [['log.flush.scheduler.interval.ms', 1]]);
  }

  /** By address. @throws ConfigError */
  get maxConnectionsPerIpOverrides(): Map<string, number> {
    const overrides = new Map<string, number>();
    for (const entry of splitList(this.string('max.connections.per.ip.overrides'))) {
      const match = /^(.+):(\d{1,9})$/.exec(entry);
      if (match?.[1] === undefined) {
        throw ConfigError.invalidValue('max.connections.per.ip.overrides', entry, 'Expected host:count');
      }
      overrides.set(match[1].trim(), Number(match[2]));
    }
    return overrides;
  }

  /** What a person should know about the file: keys nobody knows, keys that have no effect here. One sentence each. */
  get warnings(): string[] {
    const unknown = this.#values.unknownKeys.filter(
      (name) => !PLUGIN_PREFIXES.some((prefix) => name.startsWith(prefix)),
    );
    const withoutEffect = [...this.staticProperties.keys()].filter((name) => this.#hasNoEffect(name));
    return [
      ...unknown.map((name) => `Unknown configuration ${name}: it has no effect`),
      ...withoutEffect.map((name) => `Configuration ${name} has no effect here`),
    ];
  }

  #hasNoEffect(name: string): boolean {
    const key = brokerConfigDef.get(name);
    return key?.status === 'ignored' && this.#values.text(name) !== key.default;
  }

  #finest(name: string, coarser: [name: string, unitMs: number][]): number {
    const finest = this.#values.numberOrNull(name);
    if (finest !== null) return finest;
    for (const [coarse, unitMs] of coarser) {
      const value = this.#values.numberOrNull(coarse);
      if (value !== null) return Math.min(value * unitMs, Number.MAX_SAFE_INTEGER);
    }
    throw new ConfigError(`Missing required configuration "${name}" which has no default value.`);
  }

  #endPoints(text: string, requireDistinctPorts: boolean): EndPoint[] {
    return parseEndPoints(text, this.#securityProtocols(), requireDistinctPorts);
  }

  #securityProtocols(): ReturnType<typeof parseSecurityProtocolMap> {
    return parseSecurityProtocolMap(this.string('listener.security.protocol.map'));
  }
}

/** Whoever gives one of broker.id and node.id means both. */
function withBothIds(properties: Map<string, string | null>): Map<string, string | null> {
  const brokerId = properties.get('broker.id') ?? properties.get('node.id');
  const nodeId = properties.get('node.id') ?? brokerId;
  if (brokerId === undefined || brokerId === null || nodeId === undefined || nodeId === null) return properties;
  return properties.set('broker.id', brokerId).set('node.id', nodeId);
}
