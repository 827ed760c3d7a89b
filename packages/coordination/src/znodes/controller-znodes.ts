// /controller, /controller_epoch, /feature, /latest_producer_id_block and the notifications the controller listens to. Source:
// kafka.zk.{ControllerZNode, ControllerEpochZNode, FeatureZNode, IsrChangeNotificationZNode, LogDirEventNotificationZNode} (ZkData),
// kafka.zk.ProducerIdBlockZNode, KIP-497, KIP-584.

import type { TopicPartition } from '@ottla/base';
import { asInt, asObject, asString, decodeJsonObject, encodeJson, type JsonValue, ZnodeFormatError } from './json.ts';
import { topicPartitionsFrom, topicPartitionsToJson } from './topic-znodes.ts';

export const ControllerZNode = {
  path: '/controller',

  encode: (brokerId: number, timestampMs: number): Buffer =>
    encodeJson(
      new Map<string, JsonValue>([
        ['version', 2],
        ['brokerid', brokerId],
        ['timestamp', String(timestampMs)],
        ['kraftControllerEpoch', -1],
      ]),
    ),

  /** The controller's broker id. @throws ZnodeFormatError */
  decode: (data: Buffer | null): number => asInt(decodeJsonObject(data, 'controller').get('brokerid'), 'controller'),
};

export const ControllerEpochZNode = {
  path: '/controller_epoch',

  encode: (epoch: number): Buffer => Buffer.from(String(epoch)),

  /** @throws ZnodeFormatError */
  decode(data: Buffer | null): number {
    const text = data?.toString('utf8') ?? '';
    if (!/^-?\d{1,10}$/.test(text)) throw new ZnodeFormatError('controller epoch is not a number');
    return Number(text);
  },
};

export const IsrChangeNotificationZNode = { path: '/isr_change_notification' } as const;

export const IsrChangeNotificationSequenceZNode = {
  prefix: 'isr_change_',
  path: (sequenceNumber = ''): string => `${IsrChangeNotificationZNode.path}/isr_change_${sequenceNumber}`,

  encode: (partitions: Iterable<TopicPartition>): Buffer =>
    encodeJson(
      new Map<string, JsonValue>([
        ['version', 1],
        ['partitions', topicPartitionsToJson(partitions)],
      ]),
    ),

  /** @throws ZnodeFormatError */
  decode: (data: Buffer | null): TopicPartition[] => topicPartitionsFrom(data, 'ISR change notification'),
};

export const LogDirEventNotificationZNode = { path: '/log_dir_event_notification' } as const;

export const LogDirEventNotificationSequenceZNode = {
  prefix: 'log_dir_event_',
  path: (sequenceNumber = ''): string => `${LogDirEventNotificationZNode.path}/log_dir_event_${sequenceNumber}`,

  /** Event 1: a log directory failed, the only one there is. */
  encode: (brokerId: number): Buffer =>
    encodeJson(
      new Map<string, JsonValue>([
        ['version', 1],
        ['broker', brokerId],
        ['event', 1],
      ]),
    ),

  /** The broker with the failed directory. @throws ZnodeFormatError */
  decode: (data: Buffer | null): number =>
    asInt(decodeJsonObject(data, 'log dir event').get('broker'), 'log dir event'),
};

/** Producer ids [blockStart, blockEnd] belong to `brokerId`. */
export interface ProducerIdBlock {
  readonly brokerId: number;
  readonly blockStart: number;
  /** Inclusive. */
  readonly blockEnd: number;
}

export const ProducerIdBlockZNode = {
  path: '/latest_producer_id_block',

  encode: (block: ProducerIdBlock): Buffer =>
    encodeJson(
      new Map<string, JsonValue>([
        ['version', 1],
        ['broker', block.brokerId],
        ['block_start', String(block.blockStart)],
        ['block_end', String(block.blockEnd)],
      ]),
    ),

  /** @throws ZnodeFormatError */
  decode(data: Buffer | null): ProducerIdBlock {
    const what = 'producer id block';
    const json = decodeJsonObject(data, what);
    return {
      brokerId: asInt(json.get('broker'), what),
      blockStart: longFrom(json.get('block_start'), what),
      blockEnd: longFrom(json.get('block_end'), what),
    };
  },
};

function longFrom(value: unknown, what: string): number {
  const number = Number(asString(value, what));
  if (!Number.isSafeInteger(number)) throw new ZnodeFormatError(`${what}: not a producer id`);
  return number;
}

export interface FeatureInfo {
  /** 1 before IBP 3.3, 2 since. */
  readonly version: 1 | 2;
  readonly isEnabled: boolean;
  /** Finalized level by feature. */
  readonly features: ReadonlyMap<string, number>;
}

export const FeatureZNode = {
  path: '/feature',

  encode({ version, isEnabled, features }: FeatureInfo): Buffer {
    const levels = [...features].map(([name, level]): [string, JsonValue] => {
      const range: [string, JsonValue][] = [['max_version_level', level]];
      if (version === 1) range.push(['min_version_level', level]);
      return [name, new Map(range)];
    });
    return encodeJson(
      new Map<string, JsonValue>([
        ['features', new Map(levels)],
        ['version', version],
        ['status', isEnabled ? 1 : 0],
      ]),
    );
  },

  /** @throws ZnodeFormatError */
  decode(data: Buffer | null): FeatureInfo {
    const what = 'feature information';
    const json = decodeJsonObject(data, what);
    const version = asInt(json.get('version'), what);
    const status = asInt(json.get('status'), what);
    if (version !== 1 && version !== 2) throw new ZnodeFormatError(`${what}: unsupported version ${version}`);
    if (status !== 0 && status !== 1) throw new ZnodeFormatError(`${what}: bad status ${status}`);
    const features = [...asObject(json.get('features'), what)].map(([name, range]): [string, number] => [
      name,
      asInt(asObject(range, what).get('max_version_level'), what),
    ]);
    return { version, isEnabled: status === 1, features: new Map(features) };
  },
};
