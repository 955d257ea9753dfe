#!/usr/bin/env -S node --
// Without the `--`, Node takes `--env-file` for an option of its own wherever it stands, and exits 9 when the file
// that `runners create --env-file` is about to write is not there yet.
//
// CommonJS, and no more loaded than the question needs: an ES module alone costs 4 ms of start-up, process.stdout 2.
const { existsSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const { pathToFileURL } = require('node:url');

const [, , first] = process.argv;
const main = join(__dirname, '../dist/main.js');

if (process.argv.length === 3 && (first === '--version' || first === '-V')) {
  say(1, `${require('../package.json').version}\n`);
} else if (existsSync(main)) {
  require('node:module').enableCompileCache?.();
  import(pathToFileURL(main).href);
} else {
  say(2, 'error: semilayer has not been built\nhint: npm run build\n');
  process.exitCode = 1;
}

function say(stream, text) {
  try {
    writeSync(stream, text);
  } catch {
    // The reader has gone (`| head`): there is nobody left to tell.
  }
}
