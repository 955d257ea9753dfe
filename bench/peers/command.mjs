/**
 * The command line as a script uses it: each question is its arguments, its standard output a pipe whose rows are
 * counted. The time is that of the whole process, its start included.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { residentMb } from '../figures.ts';
import { answerQuestions } from '../processes.mjs';
import { BIN } from '../program.mjs';
import { Tally } from '../tally.mjs';

const SAMPLE_MS = 100;

answerQuestions(async args => {
  const tally = new Tally('{"id":');
  const started = performance.now();
  const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let complaint = '';
  child.stderr.on('data', chunk => {
    complaint += chunk;
  });
  let firstRowMs;
  let peakMb;
  const sampling = setInterval(() => {
    peakMb = residentMb(child.pid)?.peak || peakMb;
  }, SAMPLE_MS);
  child.stdout.on('data', chunk => {
    firstRowMs ??= performance.now() - started;
    tally.lines(chunk);
  });
  const [status] = await once(child, 'close');
  clearInterval(sampling);
  if (status !== 0) throw new Error(`${args[0]} ended with ${status}: ${complaint.trim()}`);
  const { rows, checksum, bytes } = tally;
  return { rows, checksum, bytes, firstRowMs, peakMb, durationMs: performance.now() - started };
});
