#!/usr/bin/env -S node --
// Without the `--`, Node takes `--env-file` for an option of its own wherever it stands, and exits 9 when the file
// that `runners create --env-file` is about to write is not there yet.
//
// CommonJS, and no more loaded than the question needs: an ES module alone costs 4 ms of start-up, process.stdout 2.
const { existsSync, readFileSync, writeSync } = require('node:fs');
const { join } = require('node:path');

const args = process.argv.slice(2);
const dist = join(__dirname, '../dist');
const help = helpAsked();

if (args.length === 1 && (args[0] === '--version' || args[0] === '-V')) {
  say(1, `${require('../package.json').version}\n`);
} else if (help !== undefined) {
  say(1, help);
} else if (existsSync(join(dist, 'main.cjs'))) {
  require('node:module').enableCompileCache?.();
  require(join(dist, 'main.cjs'));
} else {
  say(2, 'error: semilayer has not been built\nhint: npm run build\n');
  process.exitCode = 1;
}

/** Help as the build wrote it down, where it was asked for and nothing else was; a narrow window has another layout. */
function helpAsked() {
  const last = args[args.length - 1];
  const words = last === '--help' || last === '-h' ? args.slice(0, -1) : args.length === 0 ? args : undefined;
  if (words === undefined || words.some(word => !/^[a-z-]+$/.test(word) || word[0] === '-')) return undefined;
  if (require('node:tty').isatty(1) && process.stdout.columns < 80) return undefined;
  try {
    return JSON.parse(readFileSync(join(dist, 'help.json'), 'utf8'))[words.join(' ')];
  } catch {
    return undefined;
  }
}

function say(stream, text) {
  try {
    writeSync(stream, text);
  } catch {
    // The reader has gone (`| head`): there is nobody left to tell.
  }
}
