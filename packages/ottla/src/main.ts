#!/usr/bin/env node
// The program. It reads the command line and imports no more than the command needs, so that it starts at once.

import { HELP, parseCliArguments, UsageError } from './cli-arguments.ts';

async function main(args: readonly string[]): Promise<void> {
  const parsed = parseCliArguments(args);
  switch (parsed.command) {
    case 'help':
      process.stdout.write(HELP);
      return;
    case 'version': {
      const { version } = await import('./version.ts');
      process.stdout.write(`${version}\n`);
      return;
    }
    case 'start': {
      const { startCommand } = await import('./start-command.ts');
      return startCommand(parsed);
    }
    default:
      parsed satisfies never;
  }
}

/** One sentence on stderr for what a person can put right; a stack for what is our fault. */
async function fail(error: unknown): Promise<never> {
  if (error instanceof UsageError) process.stderr.write(`ottla: ${error.message}\n`);
  else {
    const { failureSentence, isUnforeseen } = await import('./failure-sentence.ts');
    process.stderr.write(`ottla: ${failureSentence(error)}\n`);
    if (isUnforeseen(error) && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  }
  process.exit(1);
}

main(process.argv.slice(2)).catch(fail);
