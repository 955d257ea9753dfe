/** Every command of the packed program in a pipe: what it says, word for word, and how it ends. */
import { test } from 'node:test';
import { usePacked } from '../support/packed.ts';
import { matchesSnapshot, steady } from '../support/snapshot.ts';
import { inPipe, setStage } from '../support/stage.ts';
import { QUERIES, STEPS } from './steps.ts';

const packed = usePacked();

test('every command in a pipe says what it always says', async t => {
  const stage = await setStage(t, packed);
  let transcript = '';
  for (const step of STEPS) transcript += await inPipe(stage, step);
  await stage.startRunner();
  for (const step of QUERIES) transcript += await inPipe(stage, step);
  const replaced = [
    [stage.cwd, '/CWD'],
    [packed.version, 'VERSION'],
    [process.versions.node, 'NODE'],
  ] as const;
  await matchesSnapshot('pipe', steady(transcript, replaced));
});
