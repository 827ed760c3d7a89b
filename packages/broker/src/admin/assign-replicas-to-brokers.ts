// Which brokers hold the replicas of new partitions: leaders go round the brokers from a random start, followers shift against them so
// that a broker's followers are spread; with racks, each replica goes to another rack as long as there is one. Five brokers, no racks:
//   broker  0  1  2  3  4        first replicas    p0 p1 p2 p3 p4 / p5 …
//                                second (shift 1)  p4 p0 p1 p2 p3 / shift 2 from p5 on
// Source: org.apache.kafka.admin.AdminUtils, KIP-36 (racks).

import { Errors, KafkaError, type Random } from '@ottla/base';

export interface BrokerMetadata {
  readonly id: number;
  readonly rack: string | null;
}

export interface AssignmentOptions {
  readonly partitionCount: number;
  readonly replicationFactor: number;
  readonly random: Random;
  /** Where to begin instead of somewhere: partitions that are added follow the ones that are there. */
  readonly fixedStartIndex?: number;
  /** Number of the first partition. */
  readonly startPartition?: number;
}

/** @returns partition → replicas, the preferred leader first
 *  @throws KafkaError INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR */
export function assignReplicasToBrokers(
  brokers: readonly BrokerMetadata[],
  options: AssignmentOptions,
): Map<number, number[]> {
  const { partitionCount, replicationFactor } = options;
  if (partitionCount <= 0) {
    throw new KafkaError(Errors.INVALID_PARTITIONS, 'Number of partitions must be larger than 0.');
  }
  if (replicationFactor <= 0) {
    throw new KafkaError(Errors.INVALID_REPLICATION_FACTOR, 'Replication factor must be larger than 0.');
  }
  if (replicationFactor > brokers.length) {
    throw new KafkaError(
      Errors.INVALID_REPLICATION_FACTOR,
      `Replication factor: ${replicationFactor} larger than available brokers: ${brokers.length}.`,
    );
  }
  const hasRacks = brokers.some(({ rack }) => rack !== null);
  return assign(hasRacks ? rackAlternatedBrokers(brokers) : [...brokers], hasRacks, options);
}

function assign(
  brokers: readonly BrokerMetadata[],
  hasRacks: boolean,
  options: AssignmentOptions,
): Map<number, number[]> {
  const { partitionCount, replicationFactor, random, fixedStartIndex, startPartition = 0 } = options;
  const rackCount = hasRacks ? new Set(brokers.map(({ rack }) => rack)).size : 1;
  const startIndex = fixedStartIndex ?? random.nextInt(brokers.length);
  let shift = fixedStartIndex ?? random.nextInt(brokers.length);
  const assignment = new Map<number, number[]>();
  for (let partition = startPartition; partition < startPartition + partitionCount; partition++) {
    if (partition > 0 && partition % brokers.length === 0) shift++;
    const firstIndex = (partition + startIndex) % brokers.length;
    const at = (k: number) => brokers[replicaIndex(firstIndex, shift * rackCount, k, brokers.length)];
    assignment.set(partition, pickReplicas(brokers[firstIndex], at, { replicationFactor, rackCount, hasRacks }));
  }
  return assignment;
}

/** Skips a broker whose rack has a replica while other racks have none. */
function pickReplicas(
  first: BrokerMetadata | undefined,
  at: (k: number) => BrokerMetadata | undefined,
  { replicationFactor, rackCount, hasRacks }: { replicationFactor: number; rackCount: number; hasRacks: boolean },
): number[] {
  const replicas = new Set<number>();
  const racks = new Set<string | null>();
  const take = ({ id, rack }: BrokerMetadata) => {
    replicas.add(id);
    racks.add(rack);
  };
  if (first !== undefined) take(first);
  for (let k = 0; replicas.size < replicationFactor; k++) {
    const candidate = at(k);
    if (candidate === undefined) continue;
    const isRackFree = !hasRacks || !racks.has(candidate.rack) || racks.size === rackCount;
    if (isRackFree && !replicas.has(candidate.id)) take(candidate);
  }
  return [...replicas];
}

/** Never `firstIndex` itself. */
function replicaIndex(firstIndex: number, shift: number, k: number, brokerCount: number): number {
  return (firstIndex + 1 + ((shift + k) % (brokerCount - 1))) % brokerCount;
}

/** One broker of each rack in turn: racks a: 0,1,2 b: 3,4,5 c: 6 → 0,3,6,1,4,2,5.
 *  @throws KafkaError UNKNOWN_SERVER_ERROR when a broker has no rack and another has */
function rackAlternatedBrokers(brokers: readonly BrokerMetadata[]): BrokerMetadata[] {
  const byRack = new Map<string, BrokerMetadata[]>();
  for (const broker of [...brokers].sort((a, b) => a.id - b.id)) {
    if (broker.rack === null) {
      throw new KafkaError(
        Errors.UNKNOWN_SERVER_ERROR,
        'Not all brokers have rack information for replica rack aware assignment.',
      );
    }
    const ofRack = byRack.get(broker.rack);
    if (ofRack === undefined) byRack.set(broker.rack, [broker]);
    else ofRack.push(broker);
  }
  const racks = [...byRack.keys()].sort().map((rack) => byRack.get(rack) ?? []);
  const alternated: BrokerMetadata[] = [];
  for (let i = 0; alternated.length < brokers.length; i++) {
    for (const ofRack of racks) {
      const broker = ofRack[i];
      if (broker !== undefined) alternated.push(broker);
    }
  }
  return alternated;
}
