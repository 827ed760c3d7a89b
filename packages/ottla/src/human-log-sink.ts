// Log lines for people, after Kafka's log4j layout:
//   [2026-11-21 01:02:03,123] INFO partition directories became a topic topic=orders partitions=[0,1] (kafka.server.KafkaServer)
// Values come from the network, so whatever is not plain text is written as JSON: no line break or escape sequence gets through.

import { inspect } from 'node:util';
import type { Clock } from '@ottla/base';
import type { LogLine, LogSink } from './broker-logger.ts';

const PLAIN = /^[\w.:/@+-]+$/;
/** Longer values are cut. */
const VALUE_LENGTH_MAX = 2000;

/** @param write takes whole lines */
export function humanLogSink(clock: Clock, write: (text: string) => void): LogSink {
  return (line) => write(formatLine(line, new Date(clock.nowMs())));
}

export function formatLine({ level, logger, message, fields }: LogLine, time: Date): string {
  const values = Object.entries(fields ?? {})
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${formatValue(value)}`)
    .join('');
  const name = logger === undefined ? '' : ` (${logger})`;
  const text = escapeControls(message);
  return `[${localTime(time)}] ${level} ${text}${values}${name}\n${level === 'ERROR' ? stackOf(fields) : ''}`;
}

function formatValue(value: unknown): string {
  const text =
    value instanceof Error ? `${value.name}: ${value.message}` : typeof value === 'string' ? value : toJson(value);
  const cut = text.length > VALUE_LENGTH_MAX ? `${text.slice(0, VALUE_LENGTH_MAX)}…` : text;
  if (typeof value === 'object' && value !== null && !(value instanceof Error)) return escapeControls(cut);
  return PLAIN.test(cut) ? cut : JSON.stringify(cut);
}

function toJson(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  try {
    return (
      JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) ?? String(value)
    );
  } catch (error) {
    // A circular value is still worth a look.
    if (error instanceof TypeError) return JSON.stringify(inspect(value, { depth: 2 }));
    throw error;
  }
}

/** What went wrong where, below an ERROR line: the stack of the first error among the fields, indented. */
function stackOf(fields: LogLine['fields']): string {
  const error = Object.values(fields ?? {}).find((value) => value instanceof Error);
  if (!(error instanceof Error) || error.stack === undefined) return '';
  const frames = error.stack.split('\n').filter((line) => line.trimStart().startsWith('at '));
  return frames.map((frame) => `${frame}\n`).join('');
}

function escapeControls(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => JSON.stringify(character).slice(1, -1));
}

/** `2026-11-21 01:02:03,123` in this machine's time zone. */
function localTime(time: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const date = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${date} ${clock},${String(time.getMilliseconds()).padStart(3, '0')}`;
}
