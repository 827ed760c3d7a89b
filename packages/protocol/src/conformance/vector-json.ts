// The golden vectors' text: one JSON object a line, with integers beyond 2^53 that JSON.parse would round.

export interface MessageVector {
  /** Kafka's name of the message. */
  readonly message: string;
  readonly version: number;
  /** What Kafka wrote. */
  readonly bytes: Buffer;
  /** What it wrote it from: a field that is absent has its default; integers of 16 digits and more are strings. */
  readonly value: JsonObject;
}

export type JsonObject = { readonly [name: string]: unknown };

export function parseMessageVectors(text: string): MessageVector[] {
  return jsonLines(text).map((line) => {
    const { message, version, hex, value } = line;
    if (typeof message !== 'string' || typeof version !== 'number' || typeof hex !== 'string' || !isJsonObject(value)) {
      throw new TypeError(`not a message vector: ${JSON.stringify(line).slice(0, 200)}`);
    }
    return { message, version, bytes: Buffer.from(hex, 'hex'), value };
  });
}

/** One object per line that is not empty. */
export function jsonLines(text: string): JsonObject[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => mustBeObject(JSON.parse(quoteBigIntegers(line)), line));
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Integers of 16 digits and more become strings; what stands inside strings stays as it is. */
function quoteBigIntegers(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"${token}"`,
  );
}

function mustBeObject(value: unknown, line: string): JsonObject {
  if (!isJsonObject(value)) throw new TypeError(`not an object: ${line.slice(0, 200)}`);
  return value;
}
