/** docs/operations.md, followed word for word in an empty directory. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PORTS = ['4443', '8081', '8082', '8083', '8084'];

test('whoever follows the page gets two runners and a gateway with TLS, rotated, renewed, backed up and restored', async t => {
  const directory = await temporaryDirectory(t);
  const bin = join(directory, 'bin');
  await mkdir(bin);
  await writeFile(
    join(bin, 'semilayer'),
    `#!/bin/sh\nexec "${process.execPath}" -- "${ROOT}bin/semilayer.js" "$@"\n`,
  );
  await chmod(join(bin, 'semilayer'), 0o755);
  const cwd = join(directory, 'trial');
  await mkdir(cwd);
  await writeSampleDatabase(join(cwd, 'shop.db'), { rows: 20 });
  // Only the ports are others: somebody may have those of the page.
  const free = await freePorts(PORTS.length);
  let page = await readFile(join(ROOT, 'docs/operations.md'), 'utf8');
  PORTS.forEach((port, index) => {
    page = page.replaceAll(port, String(free[index]));
  });
  const blocks = [...page.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block]) => block);
  assert.ok(blocks.length >= 12);
  const script = `set -eu\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n${blocks.join("\necho '-- next'\n")}`;
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: cwd,
    SEMILAYER_CONFIG_DIR: join(directory, 'config'),
  };
  const shell = spawn('bash', ['-c', script], {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  t.after(() => {
    try {
      process.kill(-(shell.pid as number), 'SIGKILL');
    } catch {
      // It has ended, and with it everything it began.
    }
  });
  let said = '';
  for (const stream of [shell.stdout, shell.stderr])
    stream.setEncoding('utf8').on('data', text => (said += text));
  const status = await new Promise(resolve => shell.on('close', resolve));
  const gateway = await readFile(join(cwd, 'gateway.log'), 'utf8');
  assert.equal(status, 0, `${said}\n--- gateway\n${gateway}`);

  const masked = said.split('\n').filter(line => line.startsWith('{"id":'));
  assert.equal(masked.length, 4, said);
  for (const line of masked) assert.match(line, /"email":"\[masked\]"/);
  assert.match(said, /✓ \d+ lines in 1 file/);
  for (const log of ['runner-1.log', 'runner-2.log', 'runner-3.log', 'runner-4.log']) {
    const text = await readFile(join(cwd, log), 'utf8');
    assert.match(text, /connected, awaiting jobs/);
    assert.match(text, /ledger closed at \d+:/);
  }
  assert.match(
    await readFile(join(cwd, 'runner-4.log'), 'utf8'),
    /disconnected[\s\S]*connected, awaiting jobs/,
  );
  for (const file of ['edge-1.token', 'reports.env', 'config.key.safe', 'backup.db'])
    assert.equal((await stat(join(cwd, file))).mode & 0o077, 0, `${file} is for its owner alone`);
  const token = (await readFile(join(cwd, 'edge-1.token'), 'utf8')).trim();
  const { stdout } = await promisify(execFile)('grep', ['-rl', token, cwd]);
  assert.equal(stdout.trim(), join(cwd, 'edge-1.token'), 'the token is in its file and nowhere else');
});

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map(server => (server.address() as { port: number }).port);
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}
