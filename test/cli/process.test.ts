import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FakeService } from '../support/fake-service.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const LOADER = import.meta.resolve('tsx');

test('prints its version', async t => {
  const { ended } = await start(t, ['--version']);
  const { status, stdout } = await ended;
  assert.equal(status, 0);
  assert.match(stdout, /^\d+\.\d+\.\d+/);
});

for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${signal} ends a query with ${status}, and the service sees the caller go`, async t => {
    const service = await FakeService.start(t);
    const gone = new Promise<void>(resolve => {
      service.on('POST /v1/sources/s/query', response => {
        response.once('close', resolve);
        response.writeHead(200, { 'content-type': 'application/x-ndjson' });
        response.write('{"a":1}\n');
      });
    });
    const { child, ended } = await start(t, ['query', 's', 't'], service.url);
    child.stdout.once('data', () => child.kill(signal));
    const result = await ended;
    assert.equal(result.status, status);
    assert.equal(result.stderr, '');
    await gone;
  });
}

test('a reader that has gone is no failure', async t => {
  const service = await FakeService.start(t);
  service.on('POST /v1/sources/s/query', response => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const line = `${JSON.stringify({ a: 'x'.repeat(1_000) })}\n`;
    const more = (): void => {
      let room = true;
      while (room && !response.destroyed) room = response.write(line);
    };
    response.on('drain', more);
    more();
  });
  const { child, ended } = await start(t, ['query', 's', 't'], service.url);
  child.stdout.once('data', () => child.stdout.destroy());
  const { status, stderr } = await ended;
  assert.equal(status, 0);
  assert.equal(stderr, '');
});

test('an env file that is not there yet is for the program to write, not for Node to read', async t => {
  const service = await FakeService.start(t);
  service.on('POST /v1/runners', { status: 201, json: { id: 'i', name: 'n', token: 'rk_x', sources: [] } });
  const { ended } = await start(t, ['runners', 'create', 'n', '--env-file', 'new.env'], service.url);
  const { status, stderr } = await ended;
  assert.equal(status, 0, stderr);
});

async function start(t: TestContext, args: string[], serviceUrl = '') {
  const directory = await mkdtemp(join(tmpdir(), 'semilayer-process-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const env = {
    PATH: process.env.PATH,
    SEMILAYER_CONFIG_DIR: directory,
    SEMILAYER_SERVICE_URL: serviceUrl,
    SEMILAYER_API_KEY: 'sk_canary',
  };
  const child = spawn(process.execPath, ['--import', LOADER, '--', MAIN, ...args], { env, cwd: directory });
  t.after(() => child.kill('SIGKILL'));
  child.stdin.end();
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', text => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text;
  });
  const ended = new Promise<{ status: number | null; stdout: string; stderr: string }>(resolve => {
    child.on('close', status => resolve({ status, stdout, stderr }));
  });
  return { child, ended };
}
