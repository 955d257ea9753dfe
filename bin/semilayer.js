#!/usr/bin/env -S node --
// Without the `--`, Node takes `--env-file` for an option of its own wherever it stands, and exits 9 when the file
// that `runners create --env-file` is about to write is not there yet.
import { existsSync } from 'node:fs';
import module from 'node:module';
import process from 'node:process';

const main = new URL('../dist/main.js', import.meta.url);

module.enableCompileCache?.();
if (existsSync(main)) {
  await import(main.href);
} else {
  process.stderr.write('error: semilayer has not been built\nhint: npm run build\n');
  process.exitCode = 1;
}
