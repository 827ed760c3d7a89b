// What the wire says: codecs and interfaces of every message, headers, API keys, version levels.

export * from './api-keys.ts';
export * from './api-levels.ts';
export * from './codec.ts';
export * from './codecs.ts';
export * from './generated/index.ts';
export * from './request-header.ts';
export * from './response-header.ts';
export * from './unsupported-version-error.ts';
