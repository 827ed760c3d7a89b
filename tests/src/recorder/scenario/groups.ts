// Classic consumer groups: members, offsets, what the coordinator tells about them, and what it refuses.

import {
  consumerGroupDescribe,
  consumerGroupHeartbeat,
  deleteGroups,
  describeGroups,
  heartbeat,
  joinGroup,
  leaveGroup,
  listGroups,
  offsetCommit,
  offsetDelete,
  offsetFetch,
  syncGroup,
} from '@ottla/protocol';
import { type AskOptions, ask, begin, collect, type Step, servedVersions, since, versionsBetween } from '../step.ts';
import { createSteps } from './topics.ts';

const SESSION_TIMEOUT_MS = 300_000;

/** ConsumerProtocolSubscription 0 for one topic and with no user data. It must be one: Kafka reads it, and a size in it that is
 *  far too large leaves its join without an answer. */
const SUBSCRIPTION = subscriptionTo('consumed');

function subscriptionTo(topic: string): Buffer {
  const name = Buffer.from(topic);
  const head = Buffer.from([0, 0, 0, 0, 0, 1, 0, name.length]);
  return Buffer.concat([head, name, Buffer.from([0xff, 0xff, 0xff, 0xff])]);
}

interface Member {
  memberId: string;
  generationId: number;
}

export function groupSteps(): Step[] {
  return [
    ...createSteps('create topics for groups', [{ name: 'consumed', numPartitions: 3 }]),
    ...lifeSteps(),
    ...joinRefusals(),
    ...twoMemberSteps(),
    ...staticMemberSteps(),
    ...offsetSteps(),
    ...describeSteps(),
    ...deletionSteps(),
    ...newProtocolSteps(),
  ];
}

interface JoinWish {
  readonly groupId: string;
  readonly memberId?: string;
  readonly sessionTimeoutMs?: number;
  readonly protocolType?: string;
  readonly protocols?: readonly string[];
  readonly groupInstanceId?: string | null;
}

function joinRequest(version: number, wish: JoinWish) {
  const {
    groupId,
    memberId = '',
    sessionTimeoutMs = SESSION_TIMEOUT_MS,
    protocolType = 'consumer',
    protocols = ['range'],
  } = wish;
  return {
    groupId,
    memberId,
    sessionTimeoutMs,
    ...since(version, 1, { rebalanceTimeoutMs: SESSION_TIMEOUT_MS }),
    ...since(version, 5, { groupInstanceId: wish.groupInstanceId ?? null }),
    ...since(version, 8, { reason: 'recorded' }),
    protocolType,
    protocols: protocols.map((name) => ({ name, metadata: SUBSCRIPTION })),
  };
}

function leaveRequest(version: number, groupId: string, memberId: string, groupInstanceId: string | null = null) {
  if (version < 3) return { groupId, memberId };
  return { groupId, members: [{ memberId, groupInstanceId, ...since(version, 5, { reason: 'recorded' }) }] };
}

/** A group of one, from its first join to its end, in each version of JoinGroup; the other APIs in the versions that go with it. */
function lifeSteps(): Step[] {
  return servedVersions(joinGroup).flatMap((version) => {
    const groupId = `group-${version}`;
    const member: Member = { memberId: '', generationId: -1 };
    const remember = (answer: Member) =>
      Object.assign(member, { memberId: answer.memberId, generationId: answer.generationId });
    const join = (name: string) =>
      ask(`${name} (${version})`, joinGroup, () => joinRequest(version, { groupId, memberId: member.memberId }), {
        versions: [version],
        onAnswer: remember,
      });
    const sync = (name: string, { generation = 0, memberId }: { generation?: number; memberId?: string } = {}) =>
      ask(
        `${name} (${version})`,
        syncGroup,
        (v) => ({
          groupId,
          generationId: member.generationId + generation,
          memberId: memberId ?? member.memberId,
          ...since(v, 5, { protocolType: 'consumer', protocolName: 'range' }),
          assignments: [{ memberId: member.memberId, assignment: Buffer.from('assigned') }],
        }),
        { versions: [Math.min(version, 5)] },
      );
    const beat = (name: string, { generation = 0, memberId }: { generation?: number; memberId?: string } = {}) =>
      ask(
        `${name} (${version})`,
        heartbeat,
        () => ({ groupId, generationId: member.generationId + generation, memberId: memberId ?? member.memberId }),
        {
          versions: [Math.min(version, 4)],
        },
      );
    const leave = (name: string, memberId?: string) =>
      ask(`${name} (${version})`, leaveGroup, (v) => leaveRequest(v, groupId, memberId ?? member.memberId), {
        versions: [Math.min(version, 5)],
      });
    return [
      join('join a new group'),
      ...(version >= 4 ? [join('join with the member id given')] : []),
      beat('heartbeat before the sync'),
      sync('sync'),
      sync('sync again'),
      beat('heartbeat'),
      beat('heartbeat of a generation that is none', { generation: 1 }),
      beat('heartbeat of an unknown member', { memberId: 'nobody' }),
      sync('sync of a generation that is none', { generation: 7 }),
      sync('sync of an unknown member', { memberId: 'nobody' }),
      join('join again'),
      sync('sync after joining again'),
      leave('leave as an unknown member', 'nobody'),
      leave('leave'),
      leave('leave again'),
      beat('heartbeat after leaving'),
    ];
  });
}

function joinRefusals(): Step[] {
  const all: AskOptions<unknown> = {};
  const join = (name: string, wish: JoinWish, options = all) =>
    ask(name, joinGroup, (version) => joinRequest(version, wish), options);
  return [
    join('join a group without a name', { groupId: '' }),
    join('join with too short a session', { groupId: 'refused', sessionTimeoutMs: 1 }),
    join('join with too long a session', { groupId: 'refused', sessionTimeoutMs: 2_000_000_000 }),
    join('join as a member nobody knows', { groupId: 'refused', memberId: 'nobody' }),
    join('join without protocols', { groupId: 'refused', protocols: [] }),
    join('join without a protocol type', { groupId: 'refused', protocolType: '' }),
    ask('sync with a group nobody knows', syncGroup, (version) => ({
      groupId: 'unknown',
      generationId: 1,
      memberId: 'nobody',
      assignments: [],
      ...since(version, 5, { protocolType: 'consumer', protocolName: 'range' }),
    })),
    ask('sync with a group without a name', syncGroup, (version) => ({
      groupId: '',
      generationId: 1,
      memberId: 'nobody',
      assignments: [],
      ...since(version, 5, { protocolType: 'consumer', protocolName: 'range' }),
    })),
    ask(
      'sync without saying the protocol',
      syncGroup,
      () => ({ groupId: 'unknown', generationId: 1, memberId: 'nobody', assignments: [] }),
      { versions: [5] },
    ),
    ask('heartbeat to a group nobody knows', heartbeat, () => ({
      groupId: 'unknown',
      generationId: 1,
      memberId: 'nobody',
    })),
    ask('heartbeat to a group without a name', heartbeat, () => ({ groupId: '', generationId: 1, memberId: 'nobody' })),
    ask('leave a group nobody knows', leaveGroup, (version) => leaveRequest(version, 'unknown', 'nobody')),
    ask('leave a group without a name', leaveGroup, (version) => leaveRequest(version, '', 'nobody')),
  ];
}

/** A rebalance: the second member waits until the first has joined again. */
function twoMemberSteps(): Step[] {
  const groupId = 'group-of-two';
  const first: Member = { memberId: '', generationId: -1 };
  const second: Member = { memberId: '', generationId: -1 };
  const joining = (member: Member, protocols: readonly string[], as: string) => ({
    build: () => joinRequest(9, { groupId, memberId: member.memberId, protocols }),
    options: {
      versions: [9],
      as,
      onAnswer: (answer: Member) =>
        Object.assign(member, { memberId: answer.memberId, generationId: answer.generationId }),
    },
  });
  const a = joining(first, ['range', 'roundrobin'], 'member-a');
  const b = joining(second, ['roundrobin', 'sticky'], 'member-b');
  const syncing = (member: Member) => () => ({
    groupId,
    generationId: member.generationId,
    memberId: member.memberId,
    protocolType: 'consumer',
    protocolName: 'roundrobin',
    assignments:
      member === first
        ? [first, second].map(({ memberId }, index) => ({ memberId, assignment: Buffer.from(`part ${index}`) }))
        : [],
  });
  const beat = (name: string, member: Member, as: string) =>
    ask(name, heartbeat, () => ({ groupId, generationId: member.generationId, memberId: member.memberId }), {
      versions: [4],
      as,
    });
  return [
    ask('the first asks for a member id', joinGroup, a.build, a.options),
    ask('the first joins', joinGroup, a.build, a.options),
    ask('the first syncs', syncGroup, () => ({ ...syncing(first)(), protocolName: 'range' }), {
      versions: [5],
      as: 'member-a',
    }),
    ask('the second has no protocol in common', joinGroup, () => joinRequest(9, { groupId, protocols: ['sticky'] }), {
      versions: [9],
      as: 'member-b',
    }),
    ask('the second is of another type', joinGroup, () => joinRequest(9, { groupId, protocolType: 'connect' }), {
      versions: [9],
      as: 'member-b',
    }),
    ask('the second asks for a member id', joinGroup, b.build, b.options),
    begin('the second joins', joinGroup, 9, b.build, b.options),
    ask(
      'the first hears of a rebalance',
      heartbeat,
      () => ({ groupId, generationId: first.generationId, memberId: first.memberId }),
      {
        versions: [4],
        as: 'member-a',
        until: ({ errorCode }) => errorCode !== 0,
      },
    ),
    ask('describe a group that rebalances', describeGroups, () => ({ groups: [groupId] }), { versions: [5] }),
    ask(
      'commit while the group rebalances',
      offsetCommit,
      () => ({
        groupId,
        generationIdOrMemberEpoch: first.generationId,
        memberId: first.memberId,
        topics: [{ name: 'consumed', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: '' }] }],
      }),
      { versions: [2, 9] },
    ),
    ask('the first joins again', joinGroup, a.build, a.options),
    collect('the second joins'),
    begin('the second syncs', syncGroup, 5, syncing(second), { as: 'member-b' }),
    ask(
      'commit before the sync',
      offsetCommit,
      () => ({
        groupId,
        generationIdOrMemberEpoch: first.generationId,
        memberId: first.memberId,
        topics: [{ name: 'consumed', partitions: [{ partitionIndex: 0, committedOffset: 3, committedMetadata: '' }] }],
      }),
      { versions: [2, 9] },
    ),
    ask('the first syncs again', syncGroup, syncing(first), { versions: [5], as: 'member-a' }),
    collect('the second syncs'),
    beat('the first is alive', first, 'member-a'),
    beat('the second is alive', second, 'member-b'),
    ask('describe a stable group', describeGroups, (version) => ({
      groups: [groupId],
      ...since(version, 3, { includeAuthorizedOperations: true }),
    })),
    ask('delete a group with members', deleteGroups, () => ({ groupsNames: [groupId] })),
    ask(
      'commit as a member',
      offsetCommit,
      (version) => ({
        groupId,
        generationIdOrMemberEpoch: first.generationId,
        memberId: first.memberId,
        topics: [
          {
            name: 'consumed',
            partitions: [{ partitionIndex: 0, committedOffset: version, committedMetadata: 'by a member' }],
          },
        ],
      }),
      { versions: versionsBetween(1, 9) },
    ),
    ask(
      'commit with a generation that is none',
      offsetCommit,
      () => ({
        groupId,
        generationIdOrMemberEpoch: first.generationId + 1,
        memberId: first.memberId,
        topics: [{ name: 'consumed', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }] }],
      }),
      { versions: versionsBetween(1, 9) },
    ),
    ask(
      'commit as an unknown member',
      offsetCommit,
      () => ({
        groupId,
        generationIdOrMemberEpoch: first.generationId,
        memberId: 'nobody',
        topics: [{ name: 'consumed', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }] }],
      }),
      { versions: versionsBetween(1, 9) },
    ),
    ask(
      'commit without being a member',
      offsetCommit,
      () => ({
        groupId,
        topics: [{ name: 'consumed', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }] }],
      }),
      { versions: versionsBetween(1, 9) },
    ),
    ask('delete an offset of a group that subscribes', offsetDelete, () => ({
      groupId,
      topics: [{ name: 'consumed', partitions: [{ partitionIndex: 0 }] }],
    })),
    ask(
      'the second leaves',
      leaveGroup,
      () => ({
        groupId,
        members: [
          { memberId: second.memberId, groupInstanceId: null, reason: null },
          { memberId: 'nobody', groupInstanceId: null, reason: null },
        ],
      }),
      { versions: [5], as: 'member-b' },
    ),
    ask(
      'the first hears of another rebalance',
      heartbeat,
      () => ({ groupId, generationId: first.generationId, memberId: first.memberId }),
      { versions: [4], as: 'member-a' },
    ),
  ];
}

function staticMemberSteps(): Step[] {
  const groupId = 'static-group';
  const member: Member = { memberId: '', generationId: -1 };
  const old: Member = { memberId: '', generationId: -1 };
  const join = (name: string, wish: Partial<JoinWish> = {}) =>
    ask(name, joinGroup, (version) => joinRequest(version, { groupId, groupInstanceId: 'instance', ...wish }), {
      versions: [9],
      onAnswer: (answer) => {
        if (answer.errorCode !== 0) return;
        Object.assign(old, member);
        Object.assign(member, { memberId: answer.memberId, generationId: answer.generationId });
      },
    });
  const sync = (name: string) =>
    ask(
      name,
      syncGroup,
      () => ({
        groupId,
        generationId: member.generationId,
        memberId: member.memberId,
        groupInstanceId: 'instance',
        protocolType: 'consumer',
        protocolName: 'range',
        assignments: [{ memberId: member.memberId, assignment: Buffer.from('assigned') }],
      }),
      { versions: [5] },
    );
  return [
    join('join as a static member'),
    sync('sync as a static member'),
    join('join as the same static member'),
    sync('sync as the same static member'),
    ask(
      'heartbeat as the static member of before',
      heartbeat,
      () => ({ groupId, generationId: old.generationId, memberId: old.memberId, groupInstanceId: 'instance' }),
      { versions: [3, 4] },
    ),
    ask(
      'heartbeat as an unknown static member',
      heartbeat,
      () => ({ groupId, generationId: member.generationId, memberId: member.memberId, groupInstanceId: 'nobody' }),
      { versions: [3, 4] },
    ),
    ask(
      'sync as the static member of before',
      syncGroup,
      (version) => ({
        groupId,
        generationId: member.generationId,
        memberId: old.memberId,
        groupInstanceId: 'instance',
        assignments: [],
        ...since(version, 5, { protocolType: 'consumer', protocolName: 'range' }),
      }),
      { versions: [3, 4, 5] },
    ),
    ask(
      'commit as the static member of before',
      offsetCommit,
      () => ({
        groupId,
        generationIdOrMemberEpoch: member.generationId,
        memberId: old.memberId,
        groupInstanceId: 'instance',
        topics: [{ name: 'consumed', partitions: [{ partitionIndex: 0, committedOffset: 5, committedMetadata: '' }] }],
      }),
      { versions: [7, 8, 9] },
    ),
    ask('describe a group with a static member', describeGroups, () => ({ groups: [groupId] }), {
      versions: versionsBetween(3, 5),
    }),
    ask(
      'leave as a static member nobody knows',
      leaveGroup,
      (version) => leaveRequest(version, groupId, '', 'nobody'),
      { versions: [3, 4, 5] },
    ),
    ask(
      'leave as the static member of before',
      leaveGroup,
      (version) => leaveRequest(version, groupId, 'nobody', 'instance'),
      { versions: [3, 4, 5] },
    ),
    ask('leave as a static member', leaveGroup, (version) => leaveRequest(version, groupId, '', 'instance'), {
      versions: [3, 4, 5],
    }),
  ];
}

function offsetSteps(): Step[] {
  const commit = (
    name: string,
    groupId: string,
    { topic = 'consumed', partition = 0, metadata = 'note', offset = 10 } = {},
    versions = servedVersions(offsetCommit),
  ) =>
    ask(
      name,
      offsetCommit,
      (version) => ({
        groupId,
        ...(version >= 2 && version <= 4 ? { retentionTimeMs: -1 } : {}),
        topics: [
          {
            name: topic,
            partitions: [
              {
                partitionIndex: partition,
                committedOffset: offset + version,
                committedMetadata: metadata,
                ...since(version, 6, { committedLeaderEpoch: 0 }),
              },
            ],
          },
        ],
      }),
      { versions },
    );
  const read = (
    name: string,
    groupId: string,
    topics: readonly (readonly [string, readonly number[]])[] | null,
    more: { requireStable?: boolean } = {},
  ) =>
    ask(
      name,
      offsetFetch,
      (version) => {
        const asked =
          topics === null
            ? null
            : topics.map(([topic, partitionIndexes]) => ({ name: topic, partitionIndexes: [...partitionIndexes] }));
        return {
          ...(version >= 8 ? { groups: [{ groupId, topics: asked }] } : { groupId, topics: asked }),
          ...since(version, 7, { requireStable: more.requireStable ?? false }),
        };
      },
      { versions: versionsBetween(topics === null ? 2 : 0, 9) },
    );
  return [
    commit('commit', 'committed'),
    commit('commit without metadata', 'committed', { partition: 1, metadata: '' }),
    commit('commit for an unknown topic', 'committed', { topic: 'unknown' }),
    commit('commit for an unknown partition', 'committed', { partition: 9 }),
    commit('commit too much metadata', 'committed', { partition: 2, metadata: 'x'.repeat(5000) }),
    commit('commit a negative offset', 'committed', { partition: 2, offset: -50 }),
    commit('commit for a group without a name', ''),
    read('read offsets', 'committed', [['consumed', [0, 1, 2]]]),
    read('read offsets of unknown partitions', 'committed', [
      ['unknown', [0]],
      ['consumed', [9]],
    ]),
    read('read all offsets', 'committed', null),
    read('read stable offsets', 'committed', [['consumed', [0]]], { requireStable: true }),
    read('read offsets of a group nobody knows', 'unknown', [['consumed', [0]]]),
    read('read all offsets of a group nobody knows', 'unknown', null),
    read('read offsets of a group without a name', '', [['consumed', [0]]]),
    read('read no offsets', 'committed', []),
    ask(
      'read offsets of several groups',
      offsetFetch,
      () => ({
        groups: ['committed', 'unknown', 'group-of-two'].map((groupId) => ({
          groupId,
          topics: [{ name: 'consumed', partitionIndexes: [0] }],
        })),
      }),
      { versions: [8, 9] },
    ),
    ask('delete offsets', offsetDelete, () => ({
      groupId: 'committed',
      topics: [
        { name: 'consumed', partitions: [{ partitionIndex: 1 }, { partitionIndex: 9 }] },
        { name: 'unknown', partitions: [{ partitionIndex: 0 }] },
      ],
    })),
    ask('delete offsets of a group nobody knows', offsetDelete, () => ({ groupId: 'unknown', topics: [] })),
    ask('delete offsets of a group without a name', offsetDelete, () => ({ groupId: '', topics: [] })),
    read('read offsets after some were deleted', 'committed', [['consumed', [0, 1]]]),
  ];
}

function describeSteps(): Step[] {
  const filters = (name: string, statesFilter: readonly string[], typesFilter: readonly string[] = []) =>
    ask(
      name,
      listGroups,
      (version) => ({
        ...since(version, 4, { statesFilter: [...statesFilter] }),
        ...since(version, 5, { typesFilter: [...typesFilter] }),
      }),
      { versions: typesFilter.length > 0 ? [5] : [4, 5] },
    );
  return [
    ask('describe groups', describeGroups, (version) => ({
      groups: ['committed', 'unknown', '', 'group-0', 'static-group'],
      ...since(version, 3, { includeAuthorizedOperations: false }),
    })),
    ask('list groups', listGroups, () => ({})),
    filters('list empty groups', ['Empty']),
    filters('list groups of several states', ['Stable', 'PreparingRebalance', 'Dead']),
    filters('list groups of a state that is none', ['Bored']),
    filters('list groups, the state in small letters', ['empty']),
    filters('list classic groups', [], ['classic']),
    filters('list consumer groups', [], ['consumer']),
    filters('list groups of a type that is none', [], ['odd']),
  ];
}

function deletionSteps(): Step[] {
  return [
    ask('delete groups', deleteGroups, (version) => ({
      groupsNames: [`group-${version}`, 'unknown', '', 'group-of-two'],
    })),
    ask('delete the group with offsets', deleteGroups, () => ({ groupsNames: ['committed'] }), { versions: [2] }),
    ask('list groups after some were deleted', listGroups, () => ({}), { versions: [5] }),
    ask('read offsets of a deleted group', offsetFetch, () => ({ groups: [{ groupId: 'committed', topics: null }] }), {
      versions: [8],
    }),
  ];
}

/** KIP-848 is not in ZooKeeper mode. */
function newProtocolSteps(): Step[] {
  return [
    ask('heartbeat in the new protocol', consumerGroupHeartbeat, () => ({
      groupId: 'new',
      memberId: '',
      memberEpoch: 0,
      rebalanceTimeoutMs: 1000,
      subscribedTopicNames: ['consumed'],
      topicPartitions: [],
    })),
    ask('describe groups of the new protocol', consumerGroupDescribe, () => ({
      groupIds: ['new', 'group-of-two'],
      includeAuthorizedOperations: false,
    })),
  ];
}
