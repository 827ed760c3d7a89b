// User names and client ids as names of znodes: percent-encoding, so that a slash or a star cannot be a path or a wildcard.
// Source: org.apache.kafka.common.utils.Sanitizer.

/** What encodeURIComponent leaves and Java's URLEncoder does not. */
const LEFT_OVER = /[!'()*]/g;
/** Half a surrogate pair; Java encodes it as a question mark. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

export function sanitize(name: string): string {
  return encodeURIComponent(name.replace(LONE_SURROGATE, '?')).replace(
    LEFT_OVER,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** @throws URIError when `name` is not percent-encoded UTF-8 */
export function desanitize(name: string): string {
  return decodeURIComponent(name.replaceAll('+', ' '));
}
