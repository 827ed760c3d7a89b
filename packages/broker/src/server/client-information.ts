// What a client said of itself in ApiVersions (KIP-511), for as long as its connection lasts.
// Source: org.apache.kafka.common.network.{ClientInformation, ChannelMetadataRegistry}.

import type { ConnectionContext } from '@ottla/network';

export interface ClientInformation {
  /** `apache-kafka-java` */
  readonly softwareName: string;
  /** `3.9.1` */
  readonly softwareVersion: string;
}

const UNKNOWN = 'unknown';
const NO_INFORMATION: ClientInformation = { softwareName: UNKNOWN, softwareVersion: UNKNOWN };

export class ClientInformationRegistry {
  readonly #byConnection = new WeakMap<ConnectionContext, ClientInformation>();

  /** Empty texts, which requests before version 3 give, are unknown. */
  register(connection: ConnectionContext, { softwareName, softwareVersion }: ClientInformation): void {
    this.#byConnection.set(connection, {
      softwareName: softwareName || UNKNOWN,
      softwareVersion: softwareVersion || UNKNOWN,
    });
  }

  of(connection: ConnectionContext): ClientInformation {
    return this.#byConnection.get(connection) ?? NO_INFORMATION;
  }
}
