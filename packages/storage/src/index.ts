export * from './meta-properties.ts';
