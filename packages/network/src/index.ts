export type {
  ConnectionContext,
  IncomingRequest,
  RequestHandler,
  RequestOutcome,
} from './channel.ts';
export { FrameReader, InvalidFrameError } from './frame-reader.ts';
export * from './socket-server.ts';
