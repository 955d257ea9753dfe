import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ResolveInput, resolveService } from '../../src/config/resolve.ts';
import type { StoredContext, UserConfig } from '../../src/config/user-config.ts';
import { AppError } from '../../src/errors.ts';

const HOSTED = 'https://api.semilayer.com';
const LOCAL: StoredContext = {
  serviceUrl: 'http://127.0.0.1:4400',
  gatewayUrl: 'ws://127.0.0.1:4400/connect',
  key: 'sk_local',
};
const TEAM: StoredContext = { serviceUrl: 'https://team.example.com', gatewayUrl: null, key: 'sk_team' };
const CLOUD: StoredContext = { serviceUrl: HOSTED, gatewayUrl: null, key: 'sk_cloud' };

interface Given {
  flags?: ResolveInput['flags'];
  env?: Record<string, string>;
  project?: string;
  current?: string;
}

interface Case extends Given {
  when: string;
  url: string;
  urlFrom?: string;
  key: string | undefined;
  keyFrom?: string;
}

const CASES: Case[] = [
  { when: 'nothing is set', url: HOSTED, urlFrom: 'default', key: undefined },
  {
    when: 'a context is current',
    current: 'local',
    url: LOCAL.serviceUrl,
    urlFrom: 'context "local"',
    key: 'sk_local',
  },
  {
    when: 'the project names another',
    current: 'local',
    project: 'team',
    url: TEAM.serviceUrl,
    key: 'sk_team',
  },
  {
    when: 'the environment names a context',
    current: 'local',
    project: 'local',
    env: { SEMILAYER_CONTEXT: 'team' },
    url: TEAM.serviceUrl,
    key: 'sk_team',
  },
  {
    when: 'a flag names a context',
    current: 'local',
    env: { SEMILAYER_CONTEXT: 'local', SEMILAYER_SERVICE_URL: 'https://env.example.com' },
    flags: { context: 'team' },
    url: TEAM.serviceUrl,
    key: 'sk_team',
  },
  {
    when: 'an environment key has no URL and there is no context',
    env: { SEMILAYER_API_KEY: 'sk_env' },
    url: HOSTED,
    key: 'sk_env',
    keyFrom: 'SEMILAYER_API_KEY',
  },
  {
    when: 'an environment key has no URL and the context is the hosted service',
    current: 'cloud',
    env: { SEMILAYER_API_KEY: 'sk_env' },
    url: HOSTED,
    key: 'sk_env',
  },
  {
    when: 'an environment key has a URL in the environment',
    current: 'local',
    env: { SEMILAYER_API_KEY: 'sk_env', SEMILAYER_SERVICE_URL: 'https://env.example.com/' },
    url: 'https://env.example.com',
    urlFrom: 'SEMILAYER_SERVICE_URL',
    key: 'sk_env',
  },
  {
    when: 'an environment key has a URL in a flag',
    current: 'local',
    env: { SEMILAYER_API_KEY: 'sk_env', SEMILAYER_SERVICE_URL: 'https://env.example.com' },
    flags: { serviceUrl: 'https://flag.example.com/base/' },
    url: 'https://flag.example.com/base',
    urlFrom: '--service-url',
    key: 'sk_env',
  },
  {
    when: 'a URL is another than the one the stored key was checked against',
    current: 'local',
    flags: { serviceUrl: 'https://elsewhere.example.com' },
    url: 'https://elsewhere.example.com',
    key: undefined,
  },
  {
    when: 'a URL differs from the stored one by its port alone',
    current: 'local',
    env: { SEMILAYER_SERVICE_URL: 'http://127.0.0.1:4401' },
    url: 'http://127.0.0.1:4401',
    key: undefined,
  },
  {
    when: 'a URL is of the origin the stored key was checked against',
    current: 'local',
    env: { SEMILAYER_SERVICE_URL: 'http://127.0.0.1:4400/' },
    url: 'http://127.0.0.1:4400',
    key: 'sk_local',
    keyFrom: 'context "local"',
  },
  {
    when: 'a context is asked for on the command line while the environment has a key',
    env: { SEMILAYER_API_KEY: 'sk_env' },
    flags: { context: 'team' },
    url: TEAM.serviceUrl,
    key: 'sk_team',
  },
];

for (const { when, url, urlFrom, key, keyFrom, ...given } of CASES) {
  test(`the service and its key when ${when}`, () => {
    const settings = resolveService(inputOf(given));
    assert.equal(settings.serviceUrl.value, url);
    assert.equal(settings.key?.value, key);
    if (urlFrom !== undefined) assert.equal(settings.serviceUrl.from, urlFrom);
    if (keyFrom !== undefined) assert.equal(settings.key?.from, keyFrom);
    assert.ok(Object.isFrozen(settings));
  });
}

test('an environment key without a URL is not sent to the service of a context: both are named', () => {
  for (const given of [
    { current: 'local' },
    { project: 'local' },
    { env: { SEMILAYER_CONTEXT: 'local' } },
  ] satisfies Given[]) {
    const input = inputOf({ ...given, env: { ...(given as Given).env, SEMILAYER_API_KEY: 'sk_env' } });
    assert.throws(
      () => resolveService(input),
      (error: unknown) =>
        error instanceof AppError &&
        error.code === 'usage' &&
        error.message.includes(HOSTED) &&
        error.message.includes(LOCAL.serviceUrl) &&
        !error.message.includes('sk_'),
    );
  }
});

test('a gateway URL is believed only of the context whose service is used', () => {
  assert.equal(resolveService(inputOf({ current: 'local' })).gatewayUrl?.value, LOCAL.gatewayUrl);
  const elsewhere = inputOf({ current: 'local', flags: { serviceUrl: 'https://elsewhere.example.com' } });
  assert.equal(resolveService(elsewhere).gatewayUrl, undefined);
});

test('a context that is not there is not found, and a URL that is none is refused without being quoted', () => {
  const code = (wanted: string) => (error: unknown) => error instanceof AppError && error.code === wanted;
  assert.throws(() => resolveService(inputOf({ flags: { context: 'nope' } })), code('not_found'));
  for (const serviceUrl of ['nonsense', 'ftp://x', 'https://user:secret@host', 'https://host/?key=secret']) {
    assert.throws(
      () => resolveService(inputOf({ flags: { serviceUrl } })),
      (error: unknown) => code('usage')(error) && !(error as Error).message.includes('secret'),
    );
  }
});

test('a context that a file names need not be there where URL and key are at hand', () => {
  const env = { SEMILAYER_SERVICE_URL: 'https://env.example.com', SEMILAYER_API_KEY: 'sk_env' };
  for (const given of [{ project: 'nope' }, { current: 'nope' }] satisfies Given[]) {
    const { serviceUrl, key } = resolveService(inputOf({ ...given, env }));
    assert.deepEqual([serviceUrl.value, key?.value], ['https://env.example.com', 'sk_env']);
  }
  const missing = (error: unknown) => error instanceof AppError && error.code === 'not_found';
  const asked = inputOf({ project: 'local', env: { ...env, SEMILAYER_CONTEXT: 'nope' } });
  assert.throws(() => resolveService(asked), missing);
  const keyless = inputOf({ project: 'nope', env: { SEMILAYER_SERVICE_URL: 'https://env.example.com' } });
  assert.throws(() => resolveService(keyless), missing);
});

function inputOf({ flags = {}, env = {}, project, current }: Given): ResolveInput {
  const contexts = new Map([
    ['local', LOCAL],
    ['team', TEAM],
    ['cloud', CLOUD],
  ]);
  const user: UserConfig = { currentContext: current, previousContext: undefined, contexts, shadowed: [] };
  return {
    flags,
    env,
    user,
    project: project === undefined ? undefined : { path: '/p/.semilayerrc', context: project },
  };
}
