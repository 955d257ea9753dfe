/** The suite that bridge authors have, on our own SQLite bridge: in this thread, and by a reader. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bridgeConformance, sqlOf } from '../../../src/bridges/conformance/index.ts';
import { SqliteBridge } from '../../../src/bridges/sqlite/sqlite-bridge.ts';
import { openSqlite } from '../../../src/platform/sqlite.ts';

const directory = await mkdtemp(join(tmpdir(), 'semilayer-test-'));
const file = join(directory, 'source.db');

bridgeConformance({
  name: 'SQLite',
  async seed(tables) {
    const database = await openSqlite(file, { readOnly: false });
    for (const statement of sqlOf(tables)) database.exec(statement);
    database.close();
  },
  createBridge: () => new SqliteBridge({ url: file }),
  cleanUp: () => rm(directory, { recursive: true }),
});
