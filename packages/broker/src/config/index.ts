export * from './broker-config-def.ts';
export * from './broker-config-key.ts';
export * from './end-point.ts';
export * from './kafka-config.ts';
