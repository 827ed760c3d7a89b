// Subscriptions to clients' metrics: what may be set. Patterns must be such that can be matched in linear time (see LinearPattern): they come
// from the network and are held against what clients say. Source: org.apache.kafka.server.metrics.ClientMetricsConfigs (3.9), KIP-714.

import { ConfigDef, Errors, KafkaError } from '@ottla/base';
import { LinearPattern, PatternSyntaxError, UnsupportedPatternError } from '../client-metrics/linear-pattern.ts';

/** How often clients push that no subscription names. */
export const DEFAULT_INTERVAL_MS = 300_000;
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
  {
    name: 'interval.ms',
    type: 'int',
    default: String(DEFAULT_INTERVAL_MS),
    importance: 'medium',
    doc: 'How often clients push.',
  },
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
    if (name === 'match') parseMatchingPatterns(text.split(','));
  }
}

/** Parameter → what it must match, whole. Of two entries for one parameter the last one counts.
 *  @param entries `client_id=app-.*` each
 *  @throws KafkaError INVALID_CONFIG */
export function parseMatchingPatterns(entries: readonly string[]): ReadonlyMap<string, LinearPattern> {
  return new Map(entries.map(mustBePattern));
}

function mustBePattern(entry: string): [parameter: string, pattern: LinearPattern] {
  // As Java splits: empty parts at the end do not count.
  const [parameter = '', pattern, ...more] = entry.replace(/=+$/, '').split('=');
  const name = parameter.trim();
  if (pattern === undefined || more.length > 0 || !MATCH_PARAMETERS.includes(name)) throw illegalPattern(entry);
  try {
    return [name, new LinearPattern(pattern.trim())];
  } catch (error) {
    if (error instanceof UnsupportedPatternError) throw illegalPattern(entry, error.message);
    if (error instanceof PatternSyntaxError) throw illegalPattern(entry);
    throw error;
  }
}

function illegalPattern(entry: string, reason?: string): KafkaError {
  const detail = reason === undefined ? '' : ` (${reason})`;
  return new KafkaError(Errors.INVALID_CONFIG, `Illegal client matching pattern: ${entry}${detail}`);
}
