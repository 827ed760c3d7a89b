export * from './config/index.ts';
export * from './handlers/index.ts';
export * from './server/broker-services.ts';
export * from './server/handler.ts';
export * from './server/request-context.ts';
