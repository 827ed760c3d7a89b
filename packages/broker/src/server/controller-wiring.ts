// Builds the controller of this broker: what it is told of the broker, and its way to brokers.

import type { BrokerInfo } from '@ottla/coordination';
import { leaderAndIsr, stopReplica, updateMetadata } from '@ottla/protocol';
import type { EndPoint, KafkaConfig } from '../config/index.ts';
import type { ControllerChannel } from '../controller/controller-channel-manager.ts';
import type { ControllerSettings } from '../controller/controller-parts.ts';
import { KafkaController } from '../controller/kafka-controller.ts';
import type { BrokerServices } from './broker-services.ts';
import { BrokerUnreachableError } from './in-process-channel.ts';
import type { ChannelTo } from './transaction-wiring.ts';

/** This broker as the tree shows it. */
export function brokerInfoOf(
  services: Pick<BrokerServices, 'brokerId' | 'config' | 'clock'>,
  endPoints: readonly EndPoint[],
): BrokerInfo {
  return {
    id: services.brokerId,
    endPoints,
    rack: services.config.rack ?? undefined,
    features: new Map(),
    version: 5,
    jmxPort: -1,
    timestampMs: services.clock.nowMs(),
  };
}

export function createController(
  services: Omit<BrokerServices, 'controller'>,
  parts: { readonly channelTo: ChannelTo; readonly brokerInfo: BrokerInfo; readonly brokerEpoch: bigint },
): KafkaController {
  const { config, zkClient, clock, random, logger } = services;
  return new KafkaController({
    settings: controllerSettings(config, services.brokerId),
    zkClient,
    channel: controllerChannel(parts.channelTo),
    brokerInfo: parts.brokerInfo,
    brokerEpoch: parts.brokerEpoch,
    clock,
    random,
    logger: logger.child('kafka.controller.KafkaController'),
    metrics: services.metrics,
  });
}

/** Getters, because some of them may change while the broker runs. */
function controllerSettings(config: KafkaConfig, brokerId: number): ControllerSettings {
  return {
    brokerId,
    interBrokerListenerName: config.interBrokerListenerName,
    get autoLeaderRebalanceEnable() {
      return config.boolean('auto.leader.rebalance.enable');
    },
    get leaderImbalancePerBrokerPercentage() {
      return config.number('leader.imbalance.per.broker.percentage');
    },
    get leaderImbalanceCheckIntervalSeconds() {
      return config.number('leader.imbalance.check.interval.seconds');
    },
    get deleteTopicEnable() {
      return config.boolean('delete.topic.enable');
    },
    get uncleanLeaderElectionEnable() {
      return config.boolean('unclean.leader.election.enable');
    },
  };
}

function controllerChannel(channelTo: ChannelTo): ControllerChannel {
  const reach = (brokerId: number) => {
    const channel = channelTo(brokerId);
    if (channel === undefined) throw new BrokerUnreachableError(`there is no way to broker ${brokerId}`);
    return channel;
  };
  return {
    leaderAndIsr: async (brokerId, request) => reach(brokerId).send(leaderAndIsr, request),
    updateMetadata: async (brokerId, request) => reach(brokerId).send(updateMetadata, request),
    stopReplica: async (brokerId, request) => reach(brokerId).send(stopReplica, request),
    disconnect() {},
  };
}
