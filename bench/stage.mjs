/** Where a benchmark runs: a directory, processes and servers that are gone afterwards, whatever happened. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Processes } from './processes.mjs';
import { Scope } from './scope.mjs';

export async function onStage(play) {
  const directory = await mkdtemp(join(tmpdir(), 'semilayer-bench-'));
  const processes = new Processes();
  const scope = new Scope();
  try {
    return await play({ directory, processes, scope });
  } finally {
    await processes.stop();
    await scope.close();
    await rm(directory, { recursive: true, force: true });
  }
}
