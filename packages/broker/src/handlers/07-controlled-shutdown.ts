// ControlledShutdown (7), versions 0-3. A broker that is about to stop asks the controller to take its leaders.
// Source: kafka.server.KafkaApis.handleControlledShutdownRequest, KIP-380 (broker epochs, version 2).

import { Errors } from '@ottla/base';
import { controlledShutdown as api } from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

export const controlledShutdown = defineHandler(
  api,
  {
    minVersion: 0,
    maxVersion: 3,
    errorResponse: (_request, code) => ({
      // Kafka says here that the controller moved.
      errorCode: code === Errors.NOT_CONTROLLER ? Errors.STALE_CONTROLLER_EPOCH : code,
      remainingPartitions: [],
    }),
  },
  async ({ brokerId, brokerEpoch }, { broker }) => {
    const remaining = await broker.controller.controlledShutdown(brokerId, brokerEpoch);
    const remainingPartitions = remaining.map(({ topic, partition }) => ({
      topicName: topic,
      partitionIndex: partition,
    }));
    return { errorCode: Errors.NONE, remainingPartitions };
  },
);
