export * from './config/index.ts';
export * from './handlers/index.ts';
export * from './server/adopt-log-dirs.ts';
export * from './server/broker-ports.ts';
export * from './server/broker-server.ts';
export * from './server/broker-services.ts';
export * from './server/handler.ts';
export * from './server/request-context.ts';
