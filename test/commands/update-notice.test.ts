import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { CommandLine, type RunOptions } from '../support/command-line.ts';
import { FakeService } from '../support/fake-service.ts';

const TERMINAL: RunOptions = { terminal: ['stdout', 'stderr'] };
const ROUTE = 'GET /semilayer/latest';

test('a newer version is told of, and asked for once a day', async t => {
  const { line, registry } = await setUp(t, '9.9.9');
  for (let run = 0; run < 3; run++) {
    const { status, stderr } = await line.run(['context', 'list'], TERMINAL);
    assert.equal(status, 0);
    assert.match(stderr, /semilayer 9\.9\.9 is out, this is 1\.2\.3: npm install -g semilayer/);
  }
  assert.equal(registry.requests.length, 1);
  const tomorrow = { ...systemClock, now: () => Date.now() + 86_400_001 };
  await line.run(['context', 'list'], { ...TERMINAL, clock: tomorrow });
  assert.equal(registry.requests.length, 2);
});

test('nothing is said of the same or an older version, nor where the registry fails', async t => {
  for (const version of ['1.2.3', '1.2.2', 'nonsense']) {
    const { line, registry } = await setUp(t, version);
    assert.equal(
      (await line.run(['context', 'list'], TERMINAL)).stderr,
      'no contexts yet: semilayer login\n',
    );
    assert.equal(registry.requests.length, 1);
  }
  const { line } = await setUp(t, '9.9.9');
  line.env.npm_config_registry = 'http://127.0.0.1:9';
  assert.equal((await line.run(['context', 'list'], TERMINAL)).stderr, 'no contexts yet: semilayer login\n');
});

test('a registry of the company, below a path, is asked in place of the public one', async t => {
  const { line, registry } = await setUp(t, '1.2.3');
  registry.on('GET /npm/public/semilayer/latest', { json: { name: 'semilayer', version: '9.9.9' } });
  line.env.npm_config_registry = `${registry.url}/npm/public/`;
  assert.match((await line.run(['context', 'list'], TERMINAL)).stderr, /semilayer 9\.9\.9 is out/);
});

const QUIET: [why: string, options: RunOptions, args?: string[]][] = [
  ['in CI', { ...TERMINAL, env: { CI: 'true' } }],
  ['with SEMILAYER_NO_UPDATE_CHECK', { ...TERMINAL, env: { SEMILAYER_NO_UPDATE_CHECK: '1' } }],
  ['where stdout is piped', { terminal: ['stderr'] }],
  ['where stderr is no terminal', { terminal: ['stdout'] }],
  ['with --quiet', TERMINAL, ['--quiet']],
  ['with --json', TERMINAL, ['--json']],
];

for (const [why, options, args = []] of QUIET) {
  test(`the registry is not asked ${why}`, async t => {
    const { line, registry } = await setUp(t, '9.9.9');
    const { stderr } = await line.run(['context', 'list', ...args], options);
    assert.doesNotMatch(stderr, /9\.9\.9/);
    assert.equal(registry.requests.length, 0);
  });
}

async function setUp(t: TestContext, version: string) {
  const [line, registry] = await Promise.all([CommandLine.create(t), FakeService.start(t)]);
  registry.on(ROUTE, { json: { name: 'semilayer', version } });
  line.env.npm_config_registry = registry.url;
  return { line, registry };
}
