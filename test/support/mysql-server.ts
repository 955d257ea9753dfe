/**
 * A MySQL or MariaDB server for tests: one that is running already (SEMILAYER_TEST_MYSQL_URL), else the one that the
 * files of a run share, else one started here from the machine's own package.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, realpath, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { TestContext } from 'node:test';
import { type Connection, createConnection, type RowDataPacket } from 'mysql2/promise';
import { sharedServer } from './shared-servers.ts';

export interface MysqlServer {
  host: string;
  port: number;
  user: string;
  password: string;
  /** Only of a server that was started here. */
  socket?: string;
  /**
   * Ends the process at once and starts it again on the same data and port, with that certificate where one is given;
   * undefined for a server that is not ours.
   */
  restart?: (certificate?: { cert: string; key: string }) => Promise<void>;
}

/** A database of the test's own, and the connection of somebody else who writes to it. */
export interface MysqlDatabase {
  server: MysqlServer;
  name: string;
  url: string;
  writer: Connection;
  sql: (statement: string) => Promise<RowDataPacket[]>;
  /** Puts back what the test changes outside its database. */
  atEnd: (statement: string) => void;
}

const NOT_RUN = 'NOT RUN: no MySQL or MariaDB server';
const START_TIMEOUT_MS = 60_000;

let running: Promise<MysqlServer | undefined> | undefined;
let own = false;

/** For a file that restarts its server, changes its settings, or counts what else happens on it: none is shared. */
export function ownMysqlServer(): void {
  own = true;
}

/**
 * The server of this test process. Undefined where there is none, said aloud; a failure where SEMILAYER_TEST_REQUIRE
 * names `mysql`.
 */
export async function mysqlServer(t: TestContext): Promise<MysqlServer | undefined> {
  running ??= find();
  const server = await running;
  if (server) return server;
  if ((process.env.SEMILAYER_TEST_REQUIRE ?? '').split(/[\s,]+/).includes('mysql')) throw new Error(NOT_RUN);
  process.stderr.write(`${NOT_RUN}: ${t.name}\n`);
  t.diagnostic(NOT_RUN);
  return undefined;
}

/** A database that is dropped when the test is over. */
export async function mysqlDatabase(t: TestContext): Promise<MysqlDatabase | undefined> {
  const server = await mysqlServer(t);
  if (!server) return undefined;
  const name = `semilayer_test_${randomBytes(6).toString('hex')}`;
  const writer = await connectTo(server);
  await writer.query(`create database ${name} character set utf8mb4`);
  await writer.query(`use ${name}`);
  const last = [`drop database ${name}`];
  t.after(async () => {
    for (const statement of last) await writer.query(statement).catch(() => undefined);
    await writer.end().catch(() => undefined);
  });
  return {
    server,
    name,
    url: urlOf(server, name),
    writer,
    sql: async statement => (await writer.query<RowDataPacket[]>(statement))[0],
    atEnd: statement => last.unshift(statement),
  };
}

export function urlOf(server: MysqlServer, database = ''): string {
  return `mysql://${encodeURIComponent(server.user)}:${encodeURIComponent(server.password)}@${server.host}:${server.port}/${database}`;
}

/** A connection beside the bridge's; `sql_mode` is empty, so that it can store what others stored long ago. */
export async function connectTo(server: MysqlServer): Promise<Connection> {
  const { host, port, user, password } = server;
  const connection = await createConnection({ host, port, user, password, multipleStatements: true });
  await connection.query("set names utf8mb4, sql_mode = '', time_zone = '+00:00'");
  return connection;
}

async function find(): Promise<MysqlServer | undefined> {
  const url = process.env.SEMILAYER_TEST_MYSQL_URL;
  if (url) {
    const { hostname, port, username, password } = new URL(url);
    return {
      host: hostname,
      port: Number(port || 3306),
      user: decodeURIComponent(username),
      password: decodeURIComponent(password),
    };
  }
  return own ? await startMysqlServer() : await sharedServer('mysql', startMysqlServer);
}

/** Undefined where this machine has no such server. It ends with this process. */
export async function startMysqlServer(): Promise<MysqlServer | undefined> {
  const daemon = located('mariadbd') ?? located('mysqld');
  return daemon ? await start(daemon) : undefined;
}

/** Debian keeps servers in `sbin`, which is not on everybody's path. */
function located(name: string): string | undefined {
  return [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/libexec']
    .map(directory => join(directory, name))
    .find(path => existsSync(path));
}

async function start(daemon: string): Promise<MysqlServer> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'semilayer-mysql-')));
  const data = join(directory, 'data');
  const socket = join(directory, 'socket');
  const password = `p@ss:${randomBytes(9).toString('base64')}`;
  const owner = await ownerOf();
  await mkdir(data);
  await chmod(directory, 0o755);
  if (owner) await Promise.all([directory, data].map(path => chown(path, owner.uid, owner.gid)));
  await initialise(daemon, directory, data, owner);
  const initFile = join(directory, 'init.sql');
  await writeFile(
    initFile,
    ['localhost', '127.0.0.1']
      .flatMap(host => [
        `create user if not exists root@'${host}';`,
        `alter user root@'${host}' identified by '${password}';`,
        `grant all privileges on *.* to root@'${host}' with grant option;`,
      ])
      .join('\n'),
    { mode: 0o644 },
  );
  const port = await freePort();
  const args = [
    '--no-defaults',
    `--datadir=${data}`,
    `--socket=${socket}`,
    // A server that starts clears its directory of temporary tables: others' must not be there.
    `--tmpdir=${directory}`,
    `--pid-file=${join(directory, 'pid')}`,
    `--log-error=${join(directory, 'log')}`,
    `--init-file=${initFile}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-buffer-pool-size=64M',
    '--max-allowed-packet=64M',
    '--max-connections=60',
  ];
  const server: MysqlServer = { host: '127.0.0.1', port, user: 'root', password, socket };
  let stop = await launch(server, daemon, args, directory, owner);
  server.restart = async certificate => {
    await stop();
    const more = certificate === undefined ? [] : await tlsArguments(directory, certificate, owner);
    stop = await launch(server, daemon, [...args, ...more], directory, owner, true);
  };
  return server;
}

async function tlsArguments(
  directory: string,
  { cert, key }: { cert: string; key: string },
  owner: Owner | undefined,
): Promise<string[]> {
  const [certFile, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')];
  await writeFile(certFile, cert);
  await writeFile(keyFile, key, { mode: 0o600 });
  if (owner) await chown(keyFile, owner.uid, owner.gid);
  return [`--ssl-cert=${certFile}`, `--ssl-key=${keyFile}`];
}

interface Owner {
  uid: number;
  gid: number;
}

/** The servers refuse to run as root. */
async function ownerOf(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map(line => line.split(':'));
  const user = users.find(([name]) => name === 'mysql') ?? users.find(([name]) => name === 'nobody');
  return { uid: Number(user?.[2] ?? 65_534), gid: Number(user?.[3] ?? 65_534) };
}

async function initialise(
  daemon: string,
  directory: string,
  data: string,
  owner: Owner | undefined,
): Promise<void> {
  const installer = located('mariadb-install-db') ?? located('mysql_install_db');
  const [command, args] = installer
    ? [
        installer,
        [
          '--no-defaults',
          `--datadir=${data}`,
          '--auth-root-authentication-method=normal',
          '--skip-test-db',
          '--cross-bootstrap',
        ],
      ]
    : [daemon, ['--no-defaults', `--datadir=${data}`, '--initialize-insecure']];
  // What it sets up with is a server as well, and would clear the temporary tables of another that is being set up.
  const env = { ...process.env, TMPDIR: directory };
  const child = spawn(command, args, { ...owner, stdio: ['ignore', 'pipe', 'pipe'], cwd: data, env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += chunk));
  const [status] = await once(child, 'close');
  if (status !== 0) throw new Error(`the database server could not be set up: ${output}`);
}

/**
 * Stands between the tests and the server: however the tests end, its standard input ends with them, and it takes the
 * server and its directory with it.
 */
const KEEPER = `
  const { spawn } = require('node:child_process');
  const [directory, uid, gid, command, ...args] = process.argv.slice(1);
  const owner = uid === '' ? {} : { uid: Number(uid), gid: Number(gid) };
  const child = spawn(command, args, { ...owner, stdio: 'ignore', cwd: directory });
  let remove = true;
  process.stdin.on('data', () => { remove = false; child.kill('SIGKILL'); });
  process.stdin.on('end', () => child.kill('SIGKILL'));
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {});
  child.on('exit', () => {
    if (remove) require('node:fs').rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
    process.exit(0);
  });
`;

/** @returns what ends the server and keeps its data. */
async function launch(
  server: MysqlServer,
  daemon: string,
  args: string[],
  directory: string,
  owner: Owner | undefined,
  again = false,
): Promise<() => Promise<void>> {
  const keeper = spawn(
    process.execPath,
    ['-e', KEEPER, directory, String(owner?.uid ?? ''), String(owner?.gid ?? ''), daemon, ...args],
    { stdio: ['pipe', 'ignore', 'inherit'] },
  );
  keeper.unref();
  (keeper.stdin as unknown as { unref: () => void }).unref();
  const giveUp = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const connection = await connectTo(server).catch(() => undefined);
    await connection?.end();
    if (connection) break;
    if (keeper.exitCode !== null || Date.now() > giveUp) {
      const log = await readFile(join(directory, 'log'), 'utf8').catch(() => '');
      throw new Error(`the database server did not ${again ? 'come back' : 'start'}: ${log.slice(-2_000)}`);
    }
    await new Promise(resolve => setTimeout(resolve, 25));
  }
  return async () => {
    keeper.ref();
    keeper.stdin.write('stop');
    await once(keeper, 'exit');
  };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, 'close');
  return port;
}
