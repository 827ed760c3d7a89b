// A version that a message does not have, or that cannot carry what it is asked to carry.
// Source: org.apache.kafka.common.errors.UnsupportedVersionException.

export class UnsupportedVersionError extends Error {
  override readonly name = 'UnsupportedVersionError';
  /** Kafka's name of the message or struct. */
  readonly messageName: string;
  readonly version: number;

  constructor(messageName: string, version: number, reason: string) {
    super(`${messageName} version ${version}: ${reason}`);
    this.messageName = messageName;
    this.version = version;
  }
}
