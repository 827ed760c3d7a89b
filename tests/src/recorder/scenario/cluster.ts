// What a client asks first: versions, brokers, topics. Also what is refused before any API is reached.

import { ByteReader } from '@ottla/base';
import { apiVersions, describeCluster, findCoordinator, metadata } from '@ottla/protocol';
import { ask, askRaw, type Step, since, versionsBetween } from '../step.ts';

export function clusterSteps(): Step[] {
  return [...versionSteps(), ...metadataSteps(), ...describeClusterSteps(), ...coordinatorSteps()];
}

function versionSteps(): Step[] {
  const software = { clientSoftwareName: 'recorder', clientSoftwareVersion: '1.0' };
  return [
    ask('ask for versions', apiVersions, (version) => since(version, 3, software)),
    ask('ask for versions without saying who', apiVersions, () => ({}), { versions: [3, 4] }),
    ask('ask for versions with a name that is none', apiVersions, () => ({ ...software, clientSoftwareName: '-$-' }), {
      versions: [3, 4],
    }),
    askRaw('ask for versions in a version of the future', 'ApiVersions', 99, () => flexible(18, 99), readVersions),
    askRaw('ask for versions in a version of the future, without tags', 'ApiVersions', 99, () => header(18, 99)),
    askRaw('ask for metadata in a version of the future', 'Metadata', 99, () => flexible(3, 99)),
    askRaw('ask for an API that a broker in ZooKeeper mode lacks', 'UnregisterBroker', 0, () => header(64, 0)),
    askRaw('ask for an API that nobody has', '?', 0, () => header(999, 0)),
    askRaw('ask in half a header', '?', 0, () => Buffer.from([0, 3])),
    askRaw('ask for metadata with half a request', 'Metadata', 1, () =>
      Buffer.concat([header(3, 1), Buffer.from([0, 0])]),
    ),
    askRaw('ask for metadata with an array longer than the request', 'Metadata', 1, () =>
      Buffer.concat([header(3, 1), Buffer.from([0x7f, 0, 0, 0])]),
    ),
  ];
}

/** A request header of version 1: key, version, correlation id 7, client id null. */
function header(apiKey: number, apiVersion: number): Buffer {
  const bytes = Buffer.alloc(10);
  bytes.writeInt16BE(apiKey, 0);
  bytes.writeInt16BE(apiVersion, 2);
  bytes.writeInt32BE(7, 4);
  bytes.writeInt16BE(-1, 8);
  return bytes;
}

/** The same in version 2, with no tagged fields, and a body of another version. */
function flexible(apiKey: number, apiVersion: number): Buffer {
  return Buffer.concat([header(apiKey, apiVersion), Buffer.from([0, 1, 2, 3, 4])]);
}

/** Such a request is answered in version 0, whose header is the correlation id. */
function readVersions(answer: Buffer): unknown {
  const reader = new ByteReader(answer);
  const correlationId = reader.readInt32('correlationId');
  return { correlationId, ...apiVersions.response.read(reader, 0) };
}

function metadataSteps(): Step[] {
  const noCreation = (version: number) => since(version, 4, { allowAutoTopicCreation: false });
  return [
    ask('metadata of all topics while there are none', metadata, (version) => ({
      topics: version === 0 ? [] : null,
      ...noCreation(version),
    })),
    ask('metadata of no topic', metadata, (version) => ({ topics: [], ...noCreation(version) }), {
      versions: versionsBetween(1, 12),
    }),
    ask(
      'metadata of unknown and impossible topics',
      metadata,
      (version) => ({
        topics: ['unknown', 'no/name', '', '..', 'x'.repeat(250)].map((name) => ({ name })),
        ...noCreation(version),
      }),
      { versions: versionsBetween(4, 12) },
    ),
    ask('metadata of impossible topics may create none', metadata, () => ({
      topics: ['no/name', '', '..'].map((name) => ({ name })),
    })),
    ask(
      'metadata of an unknown topic id',
      metadata,
      () => ({
        topics: [{ name: null, topicId: 'AAAAAAAAQACAAAAAAAAAAQ' }],
        allowAutoTopicCreation: false,
      }),
      { versions: [10, 11, 12] },
    ),
    ask(
      'metadata with authorized operations',
      metadata,
      (version) => ({
        topics: [],
        includeTopicAuthorizedOperations: true,
        ...(version <= 10 ? { includeClusterAuthorizedOperations: true } : {}),
      }),
      { versions: versionsBetween(8, 12) },
    ),
  ];
}

function describeClusterSteps(): Step[] {
  return [
    ask('describe the cluster', describeCluster, () => ({ includeClusterAuthorizedOperations: false })),
    ask('describe the cluster with operations', describeCluster, () => ({ includeClusterAuthorizedOperations: true })),
    ask(
      'describe the controllers',
      describeCluster,
      () => ({ includeClusterAuthorizedOperations: false, endpointType: 2 }),
      {
        versions: [1],
      },
    ),
    ask(
      'describe unknown end points',
      describeCluster,
      () => ({ includeClusterAuthorizedOperations: false, endpointType: 9 }),
      {
        versions: [1],
      },
    ),
  ];
}

function coordinatorSteps(): Step[] {
  const find = (key: string, keyType: number) => (version: number) => ({
    ...(version >= 4 ? { coordinatorKeys: [key] } : { key }),
    ...since(version, 1, { keyType }),
  });
  return [
    ask('find the coordinator of a group', findCoordinator, find('group', 0)),
    ask('find the coordinator of a transactional id', findCoordinator, find('transaction', 1), {
      versions: versionsBetween(1, 6),
    }),
    ask('find the coordinator of a group without a name', findCoordinator, find('', 0)),
    ask('find the coordinator of a transactional id without a name', findCoordinator, find('', 1), {
      versions: versionsBetween(1, 6),
    }),
    ask('find the coordinator of a share partition', findCoordinator, find('group:AAAAAAAAQACAAAAAAAAAAQ:0', 2), {
      versions: [6],
      final: [15],
    }),
    ask('find the coordinator of what is unknown', findCoordinator, find('group', 9), {
      versions: versionsBetween(1, 6),
    }),
    ask('find several coordinators', findCoordinator, () => ({ coordinatorKeys: ['one', 'two', ''], keyType: 0 }), {
      versions: versionsBetween(4, 6),
    }),
    ask('metadata of the internal topics', metadata, (version) => ({
      topics: ['__consumer_offsets', '__transaction_state'].map((name) => ({ name })),
      ...since(version, 4, { allowAutoTopicCreation: false }),
    })),
  ];
}
