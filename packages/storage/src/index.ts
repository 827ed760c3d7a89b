// The public face of @ottla/storage.

export * from './abstract-index.ts';
export * from './checkpoint-file.ts';
export * from './clean-shutdown-file.ts';
export * from './leader-epoch-file-cache.ts';
export type { FetchDataInfo, LogContext } from './local-log.ts';
export * from './log.ts';
export type { LogAppendInfo } from './log-append-info.ts';
export * from './log-config.ts';
export * from './log-config-def.ts';
export type { PartitionDirectory } from './log-directory.ts';
export * from './log-file-names.ts';
export * from './log-loader.ts';
export * from './log-manager.ts';
export * from './log-offset-metadata.ts';
export { LogSegment } from './log-segment.ts';
export * from './meta-properties.ts';
export * from './offset-by-timestamp.ts';
export * from './offset-checkpoint-file.ts';
export * from './offset-index.ts';
export * from './partition-metadata-file.ts';
export type { CompletedTransaction } from './producer-append-info.ts';
export * from './producer-snapshot.ts';
export type { BatchMetadata, ProducerStateEntry } from './producer-state-entry.ts';
export { ProducerStateManager, VerificationGuard } from './producer-state-manager.ts';
export { EMPTY_SOURCE } from './segment-file.ts';
export * from './time-index.ts';
export * from './transaction-index.ts';
