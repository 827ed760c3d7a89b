// Quotas: keys of server.properties. Facts from Kafka 3.9; what `status` says is ours.

import { atLeast } from '@ottla/base';
import type { BrokerConfigKey } from '../broker-config-key.ts';

// biome-ignore format: one key a line
export const quotasKeys: readonly BrokerConfigKey[] = [
  { name: 'quota.window.num', type: 'int', default: '11', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'Samples of client quotas.' },
  { name: 'quota.window.size.seconds', type: 'int', default: '1', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'Time one sample of a client quota covers.' },
  { name: 'controller.quota.window.num', type: 'int', default: '11', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'Samples of the quota on changes through the controller.' },
  { name: 'controller.quota.window.size.seconds', type: 'int', default: '1', validator: atLeast(1), importance: 'low', status: 'ignored', doc: 'Time one of those samples covers.' },
  { name: 'client.quota.callback.class', type: 'class', default: null, importance: 'low', status: 'refused', doc: 'Class that decides on client quotas.' },
];
