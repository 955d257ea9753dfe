/** The databases a benchmark can read from, each with a server of its own and the same table, `people`. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { builtModule } from '../program.mjs';

const CLIENTS = {
  postgres: () => import('./postgres.mjs'),
  mysql: () => import('./mysql.mjs'),
  sqlite: () => import('./sqlite.mjs'),
};

export const ENGINES = Object.keys(CLIENTS);

/** What speaks to that database without us. */
export async function clientOf(name) {
  const load = CLIENTS[name];
  if (!load) throw new Error(`no engine ${name}: --source takes ${ENGINES.join(', ')}`);
  return await load();
}

/**
 * A database with the table in it.
 *
 * @param scope takes the place of a test's context: what is opened is closed by its `close`.
 * @returns undefined, with `why`, where that database cannot be had here.
 */
export async function prepare(name, rows, directory, scope) {
  const client = await clientOf(name);
  const { listBridges } = await builtModule('runner.js');
  if (!listBridges().includes(`@semilayer/bridge-${name}`))
    return { why: `the bridge ${name} is not built in` };
  const url = await serverOf(name, directory, scope);
  if (url === undefined) return { why: `no ${name} server, and no binaries of one on this machine` };
  const started = performance.now();
  const [title, version] = (await client.setUp(url, rows)).split(' ');
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  process.stderr.write(`${rows.toLocaleString('en')} rows in ${title} ${version} after ${seconds} s\n`);
  /** As the service API takes it. */
  const source = { bridge: name, config: { url: name === 'sqlite' ? `file:${url}` : url } };
  return { name, url, title, version, source, floor: client.FLOOR, driver: client.DRIVER };
}

/** The tests know how to find or start one; the same server is as good for a benchmark. */
async function serverOf(name, directory, scope) {
  if (name === 'sqlite') return join(directory, 'people.db');
  if (name === 'postgres') {
    const { postgresServer } = await import('../../test/support/postgres-server.ts');
    return (await postgresServer(scope))?.url;
  }
  const support = new URL('../../test/support/mysql-server.ts', import.meta.url);
  if (!existsSync(support)) return undefined;
  const { mysqlDatabase } = await import(support.href);
  return (await mysqlDatabase(scope))?.url;
}
