// The command line, read. Nothing is done here.

import { parseArgs } from 'node:util';

export const LOG_FORMATS = ['human', 'json'] as const;
export type LogFormat = (typeof LOG_FORMATS)[number];

export interface StartArguments {
  readonly command: 'start';
  /** Path of a server.properties; undefined: this program's own settings. */
  readonly propertiesFile: string | undefined;
  /** Settings that win over the file's, in the order given. */
  readonly overrides: ReadonlyMap<string, string>;
  readonly adoptLogDirs: boolean;
  readonly dryRun: boolean;
  readonly logFormat: LogFormat;
  /** Of the root logger, in Kafka's spelling. */
  readonly logLevel: string;
}

export type CliArguments = StartArguments | { readonly command: 'help' | 'version' };

/** The command line asks for what there is not. The message is a sentence. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const HELP = `Usage: ottla start [server.properties] [options]

Runs an Apache Kafka broker in this process. Without a file it listens on
PLAINTEXT://127.0.0.1:9092 and keeps its data in ./data.

Options:
  --override key=value   set one key, over the file; may be repeated
  --adopt-log-dirs       make topics of partition directories that no topic is
                         known for, such as those of another broker
  --dry-run              with --adopt-log-dirs: print what is in them, damage
                         included, and start nothing
  --log-format FORMAT    human (default) or json
  --log-level LEVEL      TRACE, DEBUG, INFO (default), WARN, ERROR or FATAL
  --help                 print this
  --version              print the version
`;

const LOG_LEVEL_NAMES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

const OPTIONS = {
  override: { type: 'string', multiple: true },
  'adopt-log-dirs': { type: 'boolean' },
  'dry-run': { type: 'boolean' },
  'log-format': { type: 'string' },
  'log-level': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

/** @param args without the program's name. @throws UsageError */
export function parseCliArguments(args: readonly string[]): CliArguments {
  const { values, positionals } = parse(args);
  if (values.help === true) return { command: 'help' };
  if (values.version === true) return { command: 'version' };
  const [command, propertiesFile, ...rest] = positionals;
  if (command === undefined) throw new UsageError('a command is missing: try `ottla start`, or `ottla --help`');
  if (command === 'help') return { command };
  if (command !== 'start') throw new UsageError(`there is no command ${command}: try \`ottla --help\``);
  if (rest.length > 0) throw new UsageError(`start takes one server.properties, and got ${rest.length + 1} files`);
  const adoptLogDirs = values['adopt-log-dirs'] === true;
  const dryRun = values['dry-run'] === true;
  if (dryRun && !adoptLogDirs) throw new UsageError('--dry-run only goes together with --adopt-log-dirs');
  return {
    command,
    propertiesFile,
    overrides: new Map((values.override ?? []).map(parseOverride)),
    adoptLogDirs,
    dryRun,
    logFormat: parseLogFormat(values['log-format'] ?? 'human'),
    logLevel: parseLogLevel(values['log-level'] ?? 'INFO'),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (error) {
    // parseArgs says what is wrong in its first sentence, and lectures in the next ones.
    if (error instanceof TypeError)
      throw new UsageError((error.message.split('. ')[0] ?? error.message).replace(/\.$/, ''));
    throw error;
  }
}

function parseOverride(text: string): [key: string, value: string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--override needs key=value, and got ${text}`);
  return [text.slice(0, equals).trim(), text.slice(equals + 1).trim()];
}

function parseLogFormat(text: string): LogFormat {
  const format = LOG_FORMATS.find((each) => each === text);
  if (format === undefined) throw new UsageError(`--log-format is human or json, not ${text}`);
  return format;
}

function parseLogLevel(text: string): string {
  const level = text.toUpperCase();
  if (LOG_LEVEL_NAMES.includes(level)) return level;
  throw new UsageError(`--log-level is one of ${LOG_LEVEL_NAMES.join(', ')}, not ${text}`);
}
