// What the wire says. Generated codecs and the interfaces of their messages, headers, API keys, version levels.

export * from './codec.ts';
export * from './generated/index.ts';
export * from './unsupported-version-error.ts';
