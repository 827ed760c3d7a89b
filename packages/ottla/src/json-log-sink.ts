// Log lines for machines: one JSON object each, by pino. Imported only when asked for, since loading pino takes time.

import { pino } from 'pino';
import type { LogSink, WrittenLevel } from './broker-logger.ts';

/** @param write takes whole lines */
export function jsonLogSink(write: (text: string) => void): LogSink {
  const logger = pino(
    {
      level: 'trace',
      base: null,
      messageKey: 'message',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label.toUpperCase() }) },
      serializers: { error: pino.stdSerializers.err, cause: pino.stdSerializers.err },
    },
    { write },
  );
  const methods: Readonly<Record<WrittenLevel, 'trace' | 'debug' | 'info' | 'warn' | 'error'>> = {
    TRACE: 'trace',
    DEBUG: 'debug',
    INFO: 'info',
    WARN: 'warn',
    ERROR: 'error',
  };
  return ({ level, logger: name, message, fields }) => {
    logger[methods[level]]({ ...(name === undefined ? {} : { logger: name }), ...withoutBigints(fields) }, message);
  };
}

function withoutBigints(fields: Readonly<Record<string, unknown>> | undefined): Record<string, unknown> {
  const entries = Object.entries(fields ?? {});
  return Object.fromEntries(entries.map(([key, value]) => [key, typeof value === 'bigint' ? String(value) : value]));
}
