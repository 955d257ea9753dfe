/** `node --test`: the bridge holds what every bridge promises. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bridgeConformance } from 'semilayer/bridge-conformance';
import { JsonFilesBridge } from './index.js';

const directory = await mkdtemp(join(tmpdir(), 'json-files-'));

bridgeConformance({
  name: 'JSON files',
  async seed(tables) {
    for (const table of tables) await writeFile(join(directory, `${table.name}.json`), JSON.stringify(table));
  },
  createBridge: () => new JsonFilesBridge({ directory }),
  cleanUp: () => rm(directory, { recursive: true }),
});
