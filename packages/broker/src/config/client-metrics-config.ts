// Subscriptions to clients' metrics: what may be set. Source: org.apache.kafka.server.metrics.ClientMetricsConfigs (3.9), KIP-714.

import { ConfigDef, Errors, KafkaError } from '@ottla/base';

const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 3_600_000;
const MATCH_PARAMETERS = [
  'client_instance_id',
  'client_id',
  'client_software_name',
  'client_software_version',
  'client_source_address',
  'client_source_port',
];

export const clientMetricsConfigDef = new ConfigDef([
  {
    name: 'metrics',
    type: 'list',
    default: '',
    importance: 'medium',
    doc: 'Prefixes of the names of wanted metrics; * for all.',
  },
  { name: 'interval.ms', type: 'int', default: '300000', importance: 'medium', doc: 'How often clients push.' },
  {
    name: 'match',
    type: 'list',
    default: '',
    importance: 'medium',
    doc: 'Which clients: parameter=regular expression each.',
  },
]);

/** @throws KafkaError INVALID_REQUEST or INVALID_CONFIG; ConfigError for a value of the wrong type */
export function validateClientMetricsConfig(subscription: string, config: ReadonlyMap<string, string>): void {
  if (subscription === '') {
    throw new KafkaError(Errors.INVALID_REQUEST, "Subscription name can't be empty");
  }
  for (const [name, text] of config) {
    if (!clientMetricsConfigDef.has(name)) {
      throw new KafkaError(Errors.INVALID_REQUEST, `Unknown client metrics configuration: ${name}`);
    }
    const value = clientMetricsConfigDef.parseValue(name, text);
    if (typeof value === 'number' && (value < INTERVAL_MS_MIN || value > INTERVAL_MS_MAX)) {
      throw new KafkaError(
        Errors.INVALID_REQUEST,
        `Invalid value ${value} for interval.ms, interval must be between ${INTERVAL_MS_MIN} and ${INTERVAL_MS_MAX} (1 hour)`,
      );
    }
    if (name === 'match') text.split(',').forEach(mustBePattern);
  }
}

function mustBePattern(entry: string): void {
  const [parameter = '', pattern, ...more] = entry.split('=').map((part) => part.trim());
  if (
    pattern !== undefined &&
    more.length === 0 &&
    MATCH_PARAMETERS.includes(parameter) &&
    isRegularExpression(pattern)
  )
    return;
  throw new KafkaError(Errors.INVALID_CONFIG, `Illegal client matching pattern: ${entry}`);
}

function isRegularExpression(text: string): boolean {
  try {
    new RegExp(text, 'u');
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
