// The public face of @ottla/network.

export { ApiVersionRanges, type VersionRange } from './api-version-ranges.ts';
export type {
  ConnectionContext,
  IncomingRequest,
  RequestHandler,
  RequestOutcome,
} from './channel.ts';
export * from './client-errors.ts';
export { FrameReader, InvalidFrameError } from './frame-reader.ts';
export * from './network-client.ts';
export * from './request-client.ts';
export * from './socket-server.ts';
