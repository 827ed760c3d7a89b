// AlterReplicaLogDirs, served in versions 0 to 2 (KIP-113).
//
// Names the log dir in which a replica of this broker shall be: it is moved there while it is written to, and one that does not exist yet
// will be made there (REPLICA_NOT_AVAILABLE). An unknown dir is LOG_DIR_NOT_FOUND, one that failed KAFKA_STORAGE_ERROR. The answer comes when
// the move has begun; DescribeLogDirs shows how far it is. Source: kafka.server.KafkaApis.handleAlterReplicaLogDirsRequest.

import { resolve } from 'node:path';
import { type ErrorCode, Errors } from '@ottla/base';
import {
  type AlterReplicaLogDirsRequest,
  type AlterReplicaLogDirsResponse,
  alterReplicaLogDirs as alterReplicaLogDirsApi,
  type Decoded,
} from '@ottla/protocol';
import { defineHandler } from '../server/handler.ts';

type Request = Decoded<AlterReplicaLogDirsRequest>;

export const alterReplicaLogDirs = defineHandler(
  alterReplicaLogDirsApi,
  {
    minVersion: 0,
    maxVersion: 2,
    errorResponse: (request, code) => {
      const moves = movesOf(request);
      return responseOf(moves, new Array<ErrorCode>(moves.length).fill(code));
    },
  },
  async (request, { broker }) => {
    const moves = movesOf(request);
    return responseOf(moves, await broker.replicaManager.alterReplicaLogDirs(moves));
  },
);

function movesOf({ dirs }: Request) {
  return dirs.flatMap(({ path, topics }) => {
    const logDir = resolve(path);
    return topics.flatMap(({ name: topic, partitions }) =>
      partitions.map((partition) => ({ tp: { topic, partition }, logDir })),
    );
  });
}

function responseOf(moves: ReturnType<typeof movesOf>, codes: readonly ErrorCode[]): AlterReplicaLogDirsResponse {
  const results: AlterReplicaLogDirsResponse['results'] = [];
  moves.forEach(({ tp: { topic, partition } }, index) => {
    let last = results.at(-1);
    if (last === undefined || last.topicName !== topic) {
      last = { topicName: topic, partitions: [] };
      results.push(last);
    }
    last.partitions.push({ partitionIndex: partition, errorCode: codes[index] ?? Errors.UNKNOWN_SERVER_ERROR });
  });
  return { throttleTimeMs: 0, results };
}
