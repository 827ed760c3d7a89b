// AllocateProducerIds, served in version 0 (KIP-730). Brokers that cannot write to the tree get their blocks of producer ids from the
// controller. Source: kafka.controller.KafkaController.processAllocateProducerIds (3.9).

import { type ErrorCode, Errors } from '@ottla/base';
import { type AllocateProducerIdsResponse, allocateProducerIds as allocateProducerIdsApi } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';
import { ZkProducerIdBlocks } from '../transaction/zk-producer-id-blocks.ts';

export const allocateProducerIds = defineHandler(
  allocateProducerIdsApi,
  { minVersion: 0, maxVersion: 0, errorResponse: (_request, errorCode) => failed(errorCode) },
  async ({ brokerId, brokerEpoch }, { broker }) => {
    const { controller, zkClient } = broker;
    if (!controller.isActive) return failed(Errors.NOT_CONTROLLER);
    const known = controller.context.brokerEpoch(brokerId);
    if (known === undefined) return failed(Errors.BROKER_ID_NOT_REGISTERED);
    if (known !== brokerEpoch) return failed(Errors.STALE_BROKER_EPOCH);
    const { firstProducerId, count } = await new ZkProducerIdBlocks(zkClient, brokerId).reserveBlock();
    return { throttleTimeMs: 0, errorCode: Errors.NONE, producerIdStart: firstProducerId, producerIdLen: count };
  },
);

function failed(errorCode: ErrorCode): AllocateProducerIdsResponse {
  return { throttleTimeMs: 0, errorCode, producerIdStart: 0, producerIdLen: 0 };
}
