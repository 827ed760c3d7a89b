// Every message we have a codec for, with its schema, under every name Kafka gave it.

import type { MessageCodec } from '../codec.ts';
import { apiCodecs } from '../codecs.ts';
import * as generated from '../generated/index.ts';
import type { FieldSchema } from '../schema/dsl.ts';
import { apiSchemas, messageSchemas } from '../schema/index.ts';

export interface KnownMessage {
  readonly name: string;
  readonly codec: MessageCodec<object>;
  readonly fields: readonly FieldSchema[];
}

/** Kafka's name of a message, today's or a former one → what we know under it. Two codecs share a name where Kafka changed the
 *  shape of a version in a later release. */
export const knownMessages: ReadonlyMap<string, readonly KnownMessage[]> = collect();

function collect(): Map<string, KnownMessage[]> {
  const known = new Map<string, KnownMessage[]>();
  const add = (name: string, message: KnownMessage): void => {
    known.set(name, [...(known.get(name) ?? []), message]);
  };
  for (const schema of apiSchemas.values()) {
    const codec = apiCodecs.get(schema.key);
    if (codec === undefined) continue; // the coverage tests name it
    for (const name of schema.formerly === undefined ? [schema.name] : [schema.name, schema.formerly]) {
      add(`${name}Request`, { name: codec.request.name, codec: codec.request, fields: schema.request });
      add(`${name}Response`, { name: codec.response.name, codec: codec.response, fields: schema.response });
    }
  }
  const codecs = messageCodecs();
  for (const schema of [...messageSchemas.values()].flat()) {
    const codec = codecs.get(schema.name);
    if (codec === undefined) continue;
    add(schema.name, { name: schema.name, codec, fields: schema.fields });
    if (schema.formerly !== undefined) add(schema.formerly, { name: schema.name, codec, fields: schema.fields });
  }
  return known;
}

/** The codecs of what is neither request nor response, by Kafka's name. */
function messageCodecs(): Map<string, MessageCodec<object>> {
  const codecs = new Map<string, MessageCodec<object>>();
  for (const codec of Object.values(generated)) if ('read' in codec) codecs.set(codec.name, codec);
  return codecs;
}
