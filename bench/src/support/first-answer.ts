// Asks a broker for its metadata over a bare socket: the moment it answers, it serves.

import { connect } from 'node:net';

/** Metadata, version 1, no topics: size, api key 3, version 1, correlation id 1, client id null, an empty array. */
const METADATA_REQUEST = Buffer.from('0000000e' + '0003' + '0001' + '00000001' + 'ffff' + '00000000', 'hex');

/** @returns whether a broker on 127.0.0.1:`port` answers a Metadata request with at least one broker in it */
export function answersMetadata(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    let received = Buffer.alloc(0);
    const finish = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(1000, () => finish(false));
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.once('connect', () => socket.write(METADATA_REQUEST));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 12) finish(received.readInt32BE(8) > 0);
    });
  });
}
