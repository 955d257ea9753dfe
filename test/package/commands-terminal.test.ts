/** Every command of the packed program in a pseudo-terminal: what it says, word for word, and how it ends. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { usePacked } from '../support/packed.ts';
import { matchesSnapshot, steady } from '../support/snapshot.ts';
import { inTerminal, setStage } from '../support/stage.ts';
import { openTerminals } from '../support/terminal.ts';
import { QUERIES, STEPS } from './steps.ts';

const packed = usePacked();

test('every command in a pseudo-terminal says what it always says', async t => {
  const stage = await setStage(t, packed);
  let transcript = '';
  for (const step of STEPS) transcript += await inTerminal(stage, step);
  await stage.startRunner();
  for (const step of QUERIES) transcript += await inTerminal(stage, step);
  const replaced = [
    [stage.cwd, '/CWD'],
    [packed.version, 'VERSION'],
    [process.versions.node, 'NODE'],
  ] as const;
  await matchesSnapshot('terminal', steady(transcript, replaced));
});

// The pseudo-terminal comes prebuilt for the usual systems; elsewhere the suite cannot run, and must not pass for it.
test('there is a pseudo-terminal to run in', async t => {
  const { start } = await openTerminals(t, { bin: packed.bin });
  const terminal = start(['--version']);
  assert.equal(await terminal.end(), 0);
  assert.equal(terminal.screen(), packed.version);
});
