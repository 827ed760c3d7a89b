// The codecs by API key, for whoever learns the key from the wire.

import type { ApiCodec } from './codec.ts';
import { apis } from './generated/api-codecs.ts';

/** API key → codec. The message types are lost here: import the codec by its name where the API is known. */
export const apiCodecs: ReadonlyMap<number, ApiCodec<object, object>> = new Map(
  apis.map((codec): [number, ApiCodec<object, object>] => [codec.apiKey, codec]),
);
