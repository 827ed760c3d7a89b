// Which versions a broker serves, as it told, and the choice of one we both know. Source: org.apache.kafka.clients.NodeApiVersions.

import { Errors, KafkaError } from '@ottla/base';
import { type ApiCodec, type ApiVersionsRequest, type ApiVersionsResponse, apiVersions } from '@ottla/protocol';
import { NoCommonVersionError } from './client-errors.ts';
import type { RequestClient } from './request-client.ts';

/** Inclusive. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

const SOFTWARE: ApiVersionsRequest = { clientSoftwareName: 'ottla', clientSoftwareVersion: '0.1.0' };

/** ApiVersions as a broker answers it that may not know our version: then in version 0, whatever was asked. The error code comes first in
 *  every version. */
const lenientApiVersions: ApiCodec<ApiVersionsRequest, ApiVersionsResponse> = {
  ...apiVersions,
  response: {
    ...apiVersions.response,
    read(reader, version) {
      const start = reader.position;
      const isRefused = reader.readInt16('errorCode') === Errors.UNSUPPORTED_VERSION;
      reader.position = start;
      return apiVersions.response.read(reader, isRefused ? 0 : version);
    },
  },
};

export class ApiVersionRanges {
  readonly #ranges: ReadonlyMap<number, VersionRange>;

  constructor(ranges: ReadonlyMap<number, VersionRange>) {
    this.#ranges = ranges;
  }

  /** Asks the broker, stepping down when it does not know our version of the question (KIP-511; brokers before 2.4 answer nothing but the
   *  error, so version 0 is tried). @throws KafkaError when it answers with an error, and what `send` throws */
  static async ask(client: RequestClient): Promise<ApiVersionRanges> {
    let version = apiVersions.maxVersion;
    for (;;) {
      const response = await client.send(lenientApiVersions, SOFTWARE, version);
      if (response.errorCode === Errors.UNSUPPORTED_VERSION && version > 0) {
        const known = response.apiKeys.find(({ apiKey }) => apiKey === apiVersions.apiKey);
        version = Math.min(version - 1, known?.maxVersion ?? 0);
        continue;
      }
      if (response.errorCode !== Errors.NONE)
        throw new KafkaError(response.errorCode, 'the broker refused ApiVersions');
      const entries = response.apiKeys.map(({ apiKey, minVersion, maxVersion }): [number, VersionRange] => [
        apiKey,
        { min: minVersion, max: maxVersion },
      ]);
      return new ApiVersionRanges(new Map(entries));
    }
  }

  /** The highest version that the broker, the codec and `allowed` have in common. @throws NoCommonVersionError */
  choose(api: ApiCodec<unknown, unknown>, allowed?: VersionRange): number {
    const served = this.#ranges.get(api.apiKey);
    if (served === undefined) throw new NoCommonVersionError(`the broker does not serve ${api.name}`);
    const min = Math.max(served.min, api.minVersion, allowed?.min ?? 0);
    const max = Math.min(served.max, api.maxVersion, allowed?.max ?? api.maxVersion);
    if (min > max) {
      throw new NoCommonVersionError(`${api.name}: the broker serves [${served.min}, ${served.max}], not ours`);
    }
    return max;
  }
}
