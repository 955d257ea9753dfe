/**
 * A Postgres server for tests: one that is running already (SEMILAYER_TEST_POSTGRES_URL), else the one that the files of
 * a run share, else one of its own from the binaries on this machine, in a temporary directory.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import pg from 'pg';
import { sharedServer } from './shared-servers.ts';

export interface PostgresServer {
  /** A database of the test's own, as a superuser. */
  url: string;
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** The server's data directory; undefined where the server is not ours. */
  dataDir: string | undefined;
  /** Ends the server at once and starts it again, with further settings; only where it is ours. */
  restart(settings?: Record<string, string>): Promise<void>;
}

export interface Cluster {
  host: string;
  port: number;
  user: string;
  password: string;
  dataDir: string | undefined;
  restart(settings?: Record<string, string>): Promise<void>;
}

const PASSWORD = 'p@ss/word:1';
let cluster: Promise<Cluster | undefined> | undefined;
let databases = 0;
let own = false;

/** For a file that restarts its server, changes its settings, or counts what else happens on it: none is shared. */
export function ownPostgresServer(): void {
  own = true;
}

/** Undefined, after a loud word, where there is no server to be had. */
export async function postgresServer(t: TestContext): Promise<PostgresServer | undefined> {
  cluster ??= findCluster();
  const found = await cluster;
  if (!found) {
    if ((process.env.SEMILAYER_TEST_REQUIRE ?? '').includes('postgres')) throw new Error(NOT_RUN);
    t.diagnostic(NOT_RUN);
    process.stderr.write(`${NOT_RUN} (${t.name})\n`);
    return undefined;
  }
  const database = `test_${process.pid}_${++databases}`;
  const { host, port, user, password } = found;
  await asAdmin(found, client => client.query(`create database ${database}`));
  t.after(() => asAdmin(found, client => client.query(`drop database if exists ${database} with (force)`)));
  const url = `postgresql://${user}:${encodeURIComponent(password)}@${host}:${port}/${database}`;
  return { ...found, database, url };
}

/** A connection of the test's own, closed with it. */
export async function connectTo(t: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  t.after(() => client.end());
  return client;
}

const NOT_RUN = 'NOT RUN: no Postgres server, and no binaries of one (postgres, initdb) on this machine';

async function asAdmin(server: Cluster, work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const { host, port, user, password } = server;
  const client = new pg.Client({ host, port, user, password, database: 'postgres' });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

async function findCluster(): Promise<Cluster | undefined> {
  const given = process.env.SEMILAYER_TEST_POSTGRES_URL;
  if (given) {
    const url = new URL(given);
    return {
      host: url.hostname,
      port: Number(url.port || 5432),
      user: decodeURIComponent(url.username),
      password: decodeURIComponent(url.password),
      dataDir: undefined,
      restart: notOurs,
    };
  }
  const found = own ? await startPostgresServer() : await sharedServer('postgres', startPostgresServer);
  return found && { ...found, restart: found.restart ?? notOurs };
}

async function notOurs(): Promise<never> {
  throw new Error('this server is not ours to restart');
}

/** Undefined where this machine has no such server. It ends with this process. */
export async function startPostgresServer(): Promise<Cluster | undefined> {
  const bin = binaries();
  return bin === undefined ? undefined : await startCluster(bin);
}

/** The newest version's programs, or those on the path. */
function binaries(): string | undefined {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const places = [
    ...versions.map(version => join(debian, version, 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
    '/opt/homebrew/opt/postgresql/bin',
    '/usr/local/opt/postgresql/bin',
  ];
  return places.find(place => existsSync(join(place, 'initdb')) && existsSync(join(place, 'postgres')));
}

async function startCluster(bin: string): Promise<Cluster> {
  const home = mkdtempSync(join(tmpdir(), 'semilayer-postgres-'));
  const dataDir = join(home, 'data');
  const passwordFile = join(home, 'password');
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
  mkdirSync(dataDir);
  const identity = unprivileged();
  if (identity) for (const path of [home, dataDir, passwordFile]) chownSync(path, identity.uid, identity.gid);
  const options = { stdio: 'ignore' as const, cwd: home, ...identity };
  execFileSync(
    join(bin, 'initdb'),
    [
      '-D',
      dataDir,
      '-U',
      'tester',
      '-A',
      'scram-sha-256',
      `--pwfile=${passwordFile}`,
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '-N',
    ],
    options,
  );
  const port = await freePort();
  let server: ChildProcess;
  const start = async (further: Record<string, string> = {}): Promise<void> => {
    const settings = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: home,
      fsync: 'off',
      full_page_writes: 'off',
      max_connections: 60,
      shared_buffers: '64MB',
      ...further,
    };
    const args = Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
    server = spawn(join(bin, 'postgres'), ['-D', dataDir, ...args], options);
    // A test that is done does not wait for the server.
    server.unref();
    const ended = new Promise<never>((_, reject) =>
      server.once('exit', code => reject(new Error(`postgres ended with ${code}`))),
    );
    ended.catch(() => {});
    await Promise.race([ready(port), ended]);
  };
  const stop = (): void => {
    server.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  };
  await start();
  process.once('exit', stop);
  return {
    host: '127.0.0.1',
    port,
    user: 'tester',
    password: PASSWORD,
    dataDir,
    restart: async settings => {
      server.ref();
      const gone = new Promise(resolve => server.once('exit', resolve));
      server.kill('SIGINT');
      await gone;
      await start(settings);
    },
  };
}

/** Servers of this kind refuse to run as root. */
export function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ['-u', '-g'].map(flag =>
    Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' })),
  );
  return { uid: uid as number, gid: gid as number };
}

/** Resolves when the server lets somebody in; the server itself tells of nothing else. */
async function ready(port: number): Promise<void> {
  for (;;) {
    const client = new pg.Client({
      host: '127.0.0.1',
      port,
      user: 'tester',
      password: PASSWORD,
      database: 'postgres',
    });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.end();
      return;
    } catch {
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}
