import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { CLI_DOCS, cliDocs } from '../../scripts/cli-docs.ts';
import { COMMANDS, GROUPS, HEADINGS } from '../../src/cli/command-table.ts';
import { anchorOf } from '../../src/commands/error-catalogue.ts';
import { HELP_TOPICS } from '../../src/commands/help-topics.ts';
import { ERROR_CODES } from '../../src/errors.ts';
import { CommandLine } from '../support/command-line.ts';

test('docs/cli.md is what the program says of itself', async () => {
  assert.equal(await readFile(CLI_DOCS, 'utf8'), cliDocs(), 'npm run docs:cli');
});

test('every error code has its place in it', async () => {
  const headings = (await readFile(CLI_DOCS, 'utf8')).match(/^### \w+$/gm) ?? [];
  const anchors = headings.map(line => line.slice(4).toLowerCase());
  for (const code of ERROR_CODES) assert.ok(anchors.includes(anchorOf(code).split('#')[1] as string), code);
});

test('no help is wider than 79 columns, and every command stands under a heading', async t => {
  const line = await CommandLine.create(t);
  const paths = [
    ...COMMANDS.map(one => one.usage.replace(/ ?[<[].*$/, '')),
    ...GROUPS.map(one => one.name),
    '',
  ];
  for (const path of paths) {
    const { stdout } = await line.run([...path.split(' ').filter(Boolean), '--help']);
    for (const one of stdout.split('\n')) assert.ok(one.length < 80, `${path}: ${one}`);
    assert.ok(path === '' || HEADINGS[path.split(' ')[0] as string], path);
  }
  for (const topic of HELP_TOPICS) {
    const { stdout } = await line.run(['help', topic]);
    for (const one of stdout.split('\n')) assert.ok(one.length < 80, `${topic}: ${one}`);
  }
});

test('help fits a narrow window', async t => {
  const line = await CommandLine.create(t);
  const { stdout } = await line.run(['runners', '--help'], { terminal: ['stdout'], columns: 40 });
  const wide = stdout.split('\n').filter(one => one.length > 40 && !/^( {2}\$ |Usage: )/.test(one));
  assert.deepEqual(wide, []);
});
