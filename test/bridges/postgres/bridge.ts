/** A Postgres database of a test's own, its owner's connection, and a bridge that reads it. */
import type { TestContext } from 'node:test';
import type pg from 'pg';
import { PostgresBridge } from '../../../src/bridges/postgres/postgres-bridge.ts';
import { connectTo, type PostgresServer, postgresServer } from '../../support/postgres-server.ts';

export interface Fixture {
  server: PostgresServer;
  /** The customer's own connection. */
  owner: pg.Client;
  bridge: PostgresBridge;
}

/** Undefined, and said loudly, where no server is to be had. */
export async function databaseWith(
  t: TestContext,
  sql: string,
  config: Record<string, unknown> = {},
): Promise<Fixture | undefined> {
  const server = await postgresServer(t);
  if (!server) return undefined;
  const owner = await connectTo(t, server.url);
  await owner.query(sql);
  const bridge = new PostgresBridge({ url: server.url, ...config });
  await bridge.connect();
  t.after(() => bridge.disconnect());
  return { server, owner, bridge };
}
