// UpdateFeatures, served in versions 0 and 1 (KIP-584). A broker in ZooKeeper mode has no features to finalise, so each update is refused,
// for the first reason that Kafka finds. Source: kafka.controller.KafkaController.validateFeatureUpdate (3.9).

import { type ErrorCode, Errors, KafkaError } from '@ottla/base';
import {
  type Decoded,
  type FeatureUpdateKey,
  type UpdateFeaturesResponse,
  updateFeatures as updateFeaturesApi,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

/** Upgrade types on the wire. */
const UPGRADE = 1;
const UNSAFE_DOWNGRADE = 3;

export const updateFeatures = defineHandler(
  updateFeaturesApi,
  { minVersion: 0, maxVersion: 1, errorResponse: (_request, code, message) => answer(code, message, []) },
  (request, { broker }) => {
    if (!broker.controller.isActive) throw new KafkaError(Errors.NOT_CONTROLLER, 'This is not the correct controller.');
    const byFeature = new Map(request.featureUpdates.map((update) => [update.feature, update]));
    const results = [...byFeature.values()].map((update) => ({
      feature: update.feature,
      errorCode: Errors.INVALID_REQUEST,
      errorMessage: refusal(update),
    }));
    return answer(Errors.NONE, null, results);
  },
);

function refusal({ feature, maxVersionLevel, allowDowngrade, upgradeType }: Decoded<FeatureUpdateKey>): string {
  if (feature === '') return 'Feature name can not be empty.';
  if (upgradeType < UPGRADE || upgradeType > UNSAFE_DOWNGRADE) return 'Received unknown upgrade type.';
  if (maxVersionLevel < 1) {
    if (allowDowngrade || upgradeType !== UPGRADE) return 'Can not delete non-existing finalized feature.';
    return `Can not provide versionLevel: ${maxVersionLevel} less than 1 without setting the SAFE downgradeType in the request.`;
  }
  return 'Could not apply finalized feature update because the provided feature is not supported.';
}

function answer(
  errorCode: ErrorCode,
  errorMessage: string | null,
  results: NonNullable<UpdateFeaturesResponse['results']>,
): UpdateFeaturesResponse {
  return { throttleTimeMs: 0, errorCode, errorMessage, results };
}
