import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BrokerLogger, type LogLine } from './broker-logger.ts';
import { formatLine } from './human-log-sink.ts';
import { jsonLogSink } from './json-log-sink.ts';
import { LogLevels } from './log-levels.ts';

const TIME = new Date(2026, 10, 21, 1, 2, 3, 45);

function line(message: string, fields?: LogLine['fields'], level: LogLine['level'] = 'INFO'): string {
  return formatLine({ level, logger: 'kafka.log.LogManager', message, fields }, TIME);
}

describe('a line for people', () => {
  test('has time, level, message, fields and logger', () => {
    assert.equal(
      line('loaded', { topic: 'orders', count: 3, at: ['a', 1n], none: undefined }),
      '[2026-11-21 01:02:03,045] INFO loaded topic=orders count=3 at=["a","1"] (kafka.log.LogManager)\n',
    );
  });

  test('lets nothing from the network break out of its value', () => {
    const hostile = 'x\n[2026-11-21] ERROR forged \u001b[31m';
    const written = line('topic', { topic: hostile, list: [hostile], error: new Error(hostile) });
    assert.equal(written.split('\n').length, 2);
    assert(!written.includes('\u001b'));
    assert(!line(hostile).slice(0, -1).includes('\n'));
  });

  test('cuts values that are too long, and survives circles', () => {
    assert(line('x', { value: 'y'.repeat(100_000) }).length < 3000);
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    assert.match(line('x', { circle }), /Circular/);
  });

  test('shows where an error came from', () => {
    assert.match(
      line('failed', { error: new RangeError('no') }, 'ERROR'),
      /error="RangeError: no" \(kafka\.log\.LogManager\)\n {4}at /,
    );
  });
});

test('a line for machines is JSON with level, logger, message and fields', () => {
  let written = '';
  const sink = jsonLogSink((text) => {
    written += text;
  });
  sink({ level: 'WARN', logger: 'a.b', message: 'm\n', fields: { epoch: 5n, error: new Error('no') } });
  const { time, error, ...rest } = JSON.parse(written);
  assert.deepEqual(rest, { level: 'WARN', logger: 'a.b', epoch: '5', message: 'm\n' });
  assert.equal(error.message, 'no');
  assert.match(time, /^\d{4}-/);
});

test('loggers follow the root until they have a level of their own', () => {
  const written: string[] = [];
  const levels = new LogLevels('INFO');
  const root = new BrokerLogger(levels, ({ level, logger, message }) => written.push(`${level} ${logger} ${message}`));
  const child = root.child('kafka.server.KafkaApis');
  child.debug('1');
  levels.setLevel('kafka.server.KafkaApis', 'DEBUG');
  child.debug('2');
  root.debug('3');
  levels.setLevel('root', 'ERROR');
  root.info('4');
  child.info('5');
  levels.unsetLevel('kafka.server.KafkaApis');
  child.warn('6');
  child.error('7');
  assert.deepEqual(written, [
    'DEBUG kafka.server.KafkaApis 2',
    'INFO kafka.server.KafkaApis 5',
    'ERROR kafka.server.KafkaApis 7',
  ]);
  assert.deepEqual(
    [...levels.levels()],
    [
      ['root', 'ERROR'],
      ['kafka.server.KafkaApis', 'ERROR'],
    ],
  );
});
