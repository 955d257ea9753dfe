/** Secrets planted wherever one can be given: none shows in an output, a log, a file or a process list it has no place in. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { pathOf } from '../../src/cli/command.ts';
import { COMMANDS } from '../../src/cli/command-table.ts';
import { FakeService } from '../support/fake-service.ts';
import { openProgram, type Program } from '../support/program.ts';
import {
  API_KEY,
  ATTEMPTS,
  DATABASE_URL,
  FORMS,
  PASSWORD,
  RUNNER,
  SECRETS,
  TOKEN,
} from './canary-attempts.ts';

/** As many passes over every command and error path; CI's nightly run sets 100. */
const PASSES = Number(process.env.CANARY_PASSES ?? 1);
/** Some wait for a network that is not there: others are tried meanwhile. */
const AT_ONCE = 4;
/** They run until they are stopped: what they say at work is looked at below, and in `demo`'s and `dev`'s own tests. */
const AT_WORK = ['demo', 'dev'];

test('every command is tried', () => {
  const tried = ATTEMPTS.map(({ args }) => args.join(' '));
  const forgotten = COMMANDS.map(spec => pathOf(spec).join(' ')).filter(
    path => !AT_WORK.includes(path) && !tried.some(line => `${line} `.startsWith(`${path} `)),
  );
  assert.deepEqual(forgotten, []);
});

for (const failing of [false, true]) {
  test(`no secret gets out while the service ${failing ? 'quotes them in its errors' : 'answers'}`, async t => {
    const { program, service, env } = await setUp(t, failing);
    for (let pass = 0; pass < PASSES; pass++) {
      const left = ATTEMPTS.entries();
      const worker = async (): Promise<void> => {
        for (const [index, { args, stdin = '', prints = [] }] of left) {
          // One form at a pass, and each at one of three.
          const more = FORMS[(index + pass) % FORMS.length] as string[];
          const given = args.map(arg => (arg === 'SERVICE' ? service.url : arg));
          await tryOut(program.start([...given, ...more], env), [...args, ...more].join(' '), stdin, prints);
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, worker));
    }
    await assertPlaces(program);
  });
}

test('no secret gets out of a gateway and a runner at work, nor lies open in what they keep', async t => {
  const program = await openProgram(t);
  const gateway = program.start(['gateway', '--port', '0', '--data-dir', 'data', '--debug'], {
    SEMILAYER_API_KEY: API_KEY,
  });
  const [, url = ''] = await gateway.line(/listening on (http:\S+)/);
  const env = { SEMILAYER_SERVICE_URL: url, SEMILAYER_API_KEY: API_KEY };
  const ask = async (line: string, stdin = '') => await program.run(line.split(' '), { env, stdin });
  const created = await ask('runners create edge');
  const token = /^SEMILAYER_RUNNER_TOKEN=(rk_\w+)$/m.exec(created.stdout)?.[1] as string;
  const said = [created.stderr];
  const tell = async (line: string, status: number, stdin = ''): Promise<void> => {
    const result = await ask(line, stdin);
    said.push(result.stdout, result.stderr);
    assert.equal(result.status, status, `${line}: ${result.stderr}`);
  };
  await tell('sources add shop --bridge postgres --url-stdin', 0, DATABASE_URL);
  await tell('sources add vault --bridge postgres --runner-local', 0);
  await tell('runners assign edge shop vault', 0);
  const runner = program.start(['run', '--id', 'edge', '--debug'], {
    SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect`,
    SEMILAYER_RUNNER_TOKEN: token,
    SEMILAYER_SOURCE_VAULT_URL: DATABASE_URL,
  });
  await runner.line(/connected, awaiting jobs/);
  for (const source of ['shop', 'vault']) await tell(`query ${source} orders --debug`, 7);
  await tell('sources test vault --json', 7);
  await tell('runners rotate edge --yes --env-file edge.env', 0);
  assert.equal((await runner.ended).status, 77);
  gateway.kill('SIGTERM');
  assert.equal((await gateway.ended).status, 0);
  for (const { ended, stderr } of [gateway, runner]) said.push((await ended).stdout, stderr);
  for (const secret of [...SECRETS, token]) {
    for (const text of said) assert.ok(!text.includes(secret), text);
  }
  await assertPlaces(program, [token]);
});

async function tryOut(
  child: ReturnType<Program['start']>,
  line: string,
  stdin: string,
  prints: readonly string[],
): Promise<void> {
  const cmdline = await readFile(`/proc/${child.pid}/cmdline`, 'utf8').catch(() => '');
  child.feed(stdin);
  const { stdout } = await child.ended;
  const name = `${line}: ${stdout}${child.stderr}`;
  for (const secret of SECRETS) {
    assert.ok(!cmdline.includes(secret), name);
    assert.ok(!child.stderr.includes(secret), name);
    // A page of the API's that holds a secret is the API's doing; ours is what was asked for.
    if (!prints.includes(secret)) assert.ok(!stdout.includes(secret), name);
  }
}

/** The config file holds keys and the env file tokens, each for its owner alone; nothing else holds either. */
async function assertPlaces({ cwd }: Program, more: readonly string[] = []): Promise<void> {
  const entries = await readdir(cwd, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter(one => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, 'latin1');
    const allowed = entry.name === 'config.json' ? [API_KEY] : entry.name === 'edge.env' ? [TOKEN] : [];
    for (const secret of [...SECRETS, ...more].filter(one => text.includes(one))) {
      assert.ok(allowed.includes(secret) || entry.name === 'token', path);
      assert.equal((await stat(path)).mode & 0o077, 0, path);
    }
  }
}

async function setUp(t: TestContext, failing: boolean) {
  const [program, service] = await Promise.all([openProgram(t), FakeService.start(t)]);
  const quoting = `refused ${API_KEY} and ${TOKEN} for ${DATABASE_URL}`;
  const routes: [route: string, json: unknown, status?: number][] = [
    ['GET /v1/whoami', { name: 'ci', role: 'admin', gatewayUrl: 'ws://127.0.0.1:9/connect' }],
    ['GET /v1/runners', { items: [RUNNER] }],
    ['GET /v1/runners/edge', RUNNER],
    ['POST /v1/runners', { ...RUNNER, token: TOKEN }, 201],
    ['POST /v1/runners/edge/rotate', { ...RUNNER, token: TOKEN }],
    ['POST /v1/runners/edge/revoke', RUNNER],
    ['DELETE /v1/runners/edge', null, 204],
    ['POST /v1/runners/edge/sources', RUNNER],
    ['GET /v1/sources', { items: [] }],
    ['POST /v1/sources', { id: 'i', name: 'shop', credentialsLocation: 'managed', runners: [] }, 201],
    ['PATCH /v1/sources/shop', { id: 'i', name: 'shop', credentialsLocation: 'managed', runners: [] }],
    ['POST /v1/keys', { id: 'i', name: 'ci', role: 'admin', key: API_KEY, fingerprint: 'sk_…' }, 201],
  ];
  for (const [route, json, status = 200] of routes) {
    if (failing) service.problem(route, 500, 'internal', { detail: quoting, hint: quoting });
    else service.on(route, { status, json });
  }
  await mkdir(join(program.cwd, 'secrets'), { mode: 0o700 });
  const tokenFile = join(program.cwd, 'secrets', 'token');
  await writeFile(tokenFile, TOKEN, { mode: 0o600 });
  const env = {
    SEMILAYER_SERVICE_URL: service.url,
    SEMILAYER_API_KEY: API_KEY,
    SEMILAYER_GATEWAY_URL: 'ws://127.0.0.1:9/connect',
    SEMILAYER_RUNNER_TOKEN_FILE: tokenFile,
    SEMILAYER_SOURCE_SHOP_URL: DATABASE_URL,
    NO_PROXY: '127.0.0.1',
    HTTPS_PROXY: `http://reader:${encodeURIComponent(PASSWORD)}@proxy.internal:3128`,
    HTTP_PROXY: `http://reader:${encodeURIComponent(PASSWORD)}@proxy.internal:3128`,
  };
  return { program, service, env };
}
