// DescribeConfigs (32), versions 0-4. Every setting of topics, of this broker, of all brokers, of loggers and of client metrics
// subscriptions. Version 1: sources and synonyms (KIP-226). Version 3: types and documentation (KIP-569).
// Source: kafka.server.ConfigHelper. Unlike a broker in ZooKeeper mode this one describes client metrics subscriptions.

import { type ErrorCode, Errors, KafkaError } from '@ottla/base';
import {
  describeConfigs as api,
  type Decoded,
  type DescribeConfigsRequest,
  type DescribeConfigsResource,
  type DescribeConfigsResourceResult,
  type DescribeConfigsResponse,
  type DescribeConfigsResult,
} from '@ottla/protocol';
import { validateTopicName } from '../admin/topic-names.ts';
import { CLIENT_METRICS_TYPE } from '../config/config-admin.ts';
import type { DescribedConfig } from '../config/config-describer.ts';
import { brokerIdOfResource, ConfigResourceType } from '../config/config-resource.ts';
import { mapError } from '../server/error-mapping.ts';
import { defineHandler } from '../server/handler.ts';
import type { RequestContext } from '../server/request-context.ts';

const KNOWN_TYPES: ReadonlySet<number> = new Set([
  ConfigResourceType.TOPIC,
  ConfigResourceType.BROKER,
  ConfigResourceType.BROKER_LOGGER,
  ConfigResourceType.CLIENT_METRICS,
  ConfigResourceType.GROUP,
]);
const INVALID_REQUEST_MESSAGE =
  'This most likely occurs because of a request being malformed by the client library or the message was sent to an incompatible broker. See the broker logs for more details.';

export const describeConfigs = defineHandler(
  api,
  { minVersion: 0, maxVersion: 4, errorResponse: (request, code, message) => failed(request, code, message) },
  async (request, context) => {
    // Kafka fails the request as a whole, with the error's own words.
    if (request.resources.some(({ resourceType }) => !KNOWN_TYPES.has(resourceType))) {
      return failed(request, Errors.INVALID_REQUEST, INVALID_REQUEST_MESSAGE);
    }
    const results: DescribeConfigsResult[] = [];
    for (const resource of request.resources) results.push(await describeResource(resource, request, context));
    return { throttleTimeMs: 0, results };
  },
);

async function describeResource(
  resource: Decoded<DescribeConfigsResource>,
  request: Decoded<DescribeConfigsRequest>,
  context: RequestContext,
): Promise<DescribeConfigsResult> {
  const { resourceType, resourceName, configurationKeys } = resource;
  try {
    const described = await describeAll(resourceType, resourceName, context);
    const wanted =
      configurationKeys === null || configurationKeys.length === 0 ? undefined : new Set(configurationKeys);
    const configs = described
      .filter(({ name }) => wanted?.has(name) ?? true)
      .map((each) => toResult(each, request, context.header.apiVersion));
    return { errorCode: Errors.NONE, errorMessage: '', resourceType, resourceName, configs };
  } catch (error) {
    const { code, message, isExpected } = mapError(error);
    if (!isExpected) context.broker.logger.error('could not describe settings', { resourceType, resourceName, error });
    return { errorCode: code, errorMessage: message, resourceType, resourceName, configs: [] };
  }
}

async function describeAll(type: number, name: string, { broker }: RequestContext): Promise<DescribedConfig[]> {
  const { describer, repository, store, loggerLevels } = broker.configs;
  switch (type) {
    case ConfigResourceType.TOPIC:
      validateTopicName(name);
      // Kafka sends no words with this one.
      if (!broker.metadataCache.containsTopic(name)) throw new KafkaError(Errors.UNKNOWN_TOPIC_OR_PARTITION, '');
      return describer.describeTopic(await repository.topicConfig(name));
    case ConfigResourceType.BROKER:
      if (name === '') return describer.describeBrokerDefault();
      mustBeThisBroker(name, broker.brokerId, ' or empty string,');
      return describer.describeBroker();
    case ConfigResourceType.BROKER_LOGGER:
      if (name === '') throw new KafkaError(Errors.INVALID_REQUEST, 'Broker id must not be empty');
      mustBeThisBroker(name, broker.brokerId, '');
      return describer.describeLoggers(loggerLevels);
    case ConfigResourceType.CLIENT_METRICS:
      if (name === '')
        throw new KafkaError(Errors.INVALID_REQUEST, 'Client metrics subscription name must not be empty');
      return describer.describeClientMetrics(
        await store.fetch({ rootType: CLIENT_METRICS_TYPE, name: encodeURIComponent(name) }),
      );
    default:
      throw new KafkaError(Errors.INVALID_REQUEST, `Unsupported resource type: ${type}`);
  }
}

function mustBeThisBroker(name: string, brokerId: number, orWhat: string): void {
  if (brokerIdOfResource(name) === brokerId) return;
  throw new KafkaError(
    Errors.INVALID_REQUEST,
    `Unexpected broker id, expected ${brokerId}${orWhat} but received ${name}`,
  );
}

/** A field that the version does not have must not be set. */
function toResult(
  described: DescribedConfig,
  { includeSynonyms, includeDocumentation }: Decoded<DescribeConfigsRequest>,
  version: number,
): DescribeConfigsResourceResult {
  const { name, value, source, readOnly, isSensitive, configType, documentation } = described;
  const result: DescribeConfigsResourceResult = { name, value, readOnly, isSensitive };
  // Kafka since 2.x never sets isDefault, the only thing that version 0 says about the source.
  if (version === 0) return result;
  result.configSource = source;
  result.synonyms = includeSynonyms ? described.synonyms.map((synonym) => ({ ...synonym })) : [];
  if (version < 3) return result;
  return { ...result, configType, documentation: includeDocumentation ? documentation : null };
}

function failed(
  request: Decoded<DescribeConfigsRequest>,
  errorCode: ErrorCode,
  errorMessage: string,
): DescribeConfigsResponse {
  const results = request.resources.map(({ resourceType, resourceName }) => {
    return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
  });
  return { throttleTimeMs: 0, results };
}
