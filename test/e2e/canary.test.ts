/** Secrets planted wherever one can be given: none shows in an output, a log, a file or a process list it has no place in. */
import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { formatSecret } from '../../src/protocol/token.ts';
import { FakeService } from '../support/fake-service.ts';
import { openProgram, type Program } from '../support/program.ts';

/** As many passes over every command and error path; CI's nightly run sets 100. */
const PASSES = Number(process.env.CANARY_PASSES ?? 1);

const API_KEY = formatSecret('sk_', Buffer.from('canary of the API key, 32 bytes.'));
const TOKEN = formatSecret('rk_', Buffer.from('canary of the runner token, 32b.'));
const PASSWORD = 'CanaryPassword';
const DATABASE_URL = `postgresql://reader:${PASSWORD}@db.internal/shop`;
const SECRETS = [API_KEY, TOKEN, PASSWORD, encodeURIComponent(PASSWORD)];

const RUNNER = {
  id: '11111111-2222-4333-8444-555555555555',
  name: 'edge',
  type: 'customer',
  status: 'online',
  sources: [],
  sessions: [],
};

const FORMS = [[], ['--json'], ['--debug']];

interface Attempt {
  args: string[];
  stdin?: string;
  env?: Record<string, string>;
  /** Secrets that this command is asked to print. */
  prints?: string[];
}

const ATTEMPTS: Attempt[] = [
  ...[
    'whoami',
    'runners list',
    'runners show edge',
    'runners revoke edge --yes',
    'runners delete edge --yes',
  ].map(of),
  ...['runners assign edge shop', 'runners unassign edge shop', 'sources list', 'sources show shop'].map(of),
  ...['sources test shop', 'sources targets shop', 'sources remove shop', 'keys list', 'keys revoke ci'].map(
    of,
  ),
  ...['query shop orders', 'query shop orders --csv', 'count shop orders', 'console', 'context list'].map(of),
  ...[
    'config explain',
    'config paths',
    'logout',
    'doctor',
    'run',
    'ready --health-port 9',
    'gateway --host 0.0.0.0',
  ].map(of),
  { args: ['runners', 'create', 'edge'], prints: [TOKEN] },
  { args: ['runners', 'create', 'edge', '--env-file', 'edge.env'] },
  { args: ['runners', 'rotate', 'edge', '--yes', '--json'], prints: [TOKEN] },
  { args: ['keys', 'create', 'ci', '--role', 'admin'], prints: [API_KEY] },
  { args: ['login', '--service-url', 'SERVICE', '--api-key-stdin'], stdin: API_KEY },
  { args: ['sources', 'add', 'shop', '--bridge', 'postgres', '--url-stdin'], stdin: DATABASE_URL },
  { args: ['sources', 'update', 'shop', '--url-stdin'], stdin: DATABASE_URL },
  { args: ['run', '--id', 'edge', '--token-file', '-', '--gateway-url', 'http://[bad'], stdin: TOKEN },
  { args: ['run', '--gateway-url', 'wss://gateway.invalid', '--token-wait', 'soon'] },
];

for (const failing of [false, true]) {
  test(`no secret gets out while the service ${failing ? 'quotes them in its errors' : 'answers'}`, async t => {
    const { program, service, env } = await setUp(t, failing);
    for (let pass = 0; pass < PASSES; pass++) {
      for (const [index, { args, stdin, prints = [], ...attempt }] of ATTEMPTS.entries()) {
        // One form at a pass, and each at one of three.
        const more = FORMS[(index + pass) % FORMS.length] as string[];
        const given = args.map(arg => (arg === 'SERVICE' ? service.url : arg));
        const child = program.start([...given, ...more], { ...env, ...attempt.env });
        const cmdline = await readFile(`/proc/${child.pid}/cmdline`, 'utf8').catch(() => '');
        child.feed(stdin ?? '');
        const { stdout } = await child.ended;
        const name = `${[...args, ...more].join(' ')}: ${stdout}${child.stderr}`;
        for (const secret of SECRETS) {
          assert.ok(!cmdline.includes(secret), name);
          assert.ok(!child.stderr.includes(secret), name);
          // A page of the API's that holds a secret is the API's doing; ours is what was asked for.
          if (!prints.includes(secret)) assert.ok(!stdout.includes(secret), name);
        }
      }
    }
    await assertPlaces(program);
  });
}

/** The config file holds keys and the env file tokens, each for its owner alone; nothing else holds either. */
async function assertPlaces({ cwd }: Program): Promise<void> {
  const entries = await readdir(cwd, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter(one => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, 'utf8');
    const allowed = entry.name === 'config.json' ? [API_KEY] : entry.name === 'edge.env' ? [TOKEN] : [];
    for (const secret of SECRETS.filter(one => text.includes(one))) {
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
    HTTPS_PROXY: `http://reader:${PASSWORD}@proxy.internal:3128`,
    HTTP_PROXY: `http://reader:${PASSWORD}@proxy.internal:3128`,
  };
  return { program, service, env };
}

function of(line: string): Attempt {
  return { args: line.split(' ') };
}
