// Runs the scenario against a broker and writes the transcript to standard output:
//   node tests/dist/recorder/main.js PORT LOG_DIR
// How long slow steps took goes to standard error.

import { scenario } from './scenario/index.ts';
import { formatTranscript, record } from './transcript.ts';

const SLOW_MS = 500;

const [port, logDir] = process.argv.slice(2);
if (port === undefined || logDir === undefined) {
  console.error('usage: main.js PORT LOG_DIR');
  process.exit(2);
}
const broker = { port: Number(port), logDir };
const entries = await record(broker, scenario(broker), (name, tookMs) => {
  if (tookMs > SLOW_MS) console.error(`${Math.round(tookMs)} ms: ${name}`);
});
process.stdout.write(formatTranscript(entries));
