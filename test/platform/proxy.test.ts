import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../src/errors.ts';
import { proxyOf, shownProxy } from '../../src/platform/proxy.ts';

const PROXY = 'http://proxy.example.com:3128';

const CASES: [target: string, env: Record<string, string>, from: string | undefined][] = [
  ['https://a.example.com', { HTTPS_PROXY: PROXY }, 'HTTPS_PROXY'],
  ['wss://a.example.com/connect', { HTTPS_PROXY: PROXY }, 'HTTPS_PROXY'],
  ['wss://a.example.com/connect', { https_proxy: PROXY }, 'https_proxy'],
  ['http://a.example.com', { HTTPS_PROXY: PROXY }, undefined],
  ['http://a.example.com', { HTTP_PROXY: PROXY }, 'HTTP_PROXY'],
  ['ws://a.example.com', { http_proxy: PROXY }, 'http_proxy'],
  ['https://a.example.com', { HTTP_PROXY: PROXY }, undefined],
  ['https://a.example.com', { HTTPS_PROXY: '' }, undefined],
  ['https://a.example.com', { HTTPS_PROXY: PROXY, NO_PROXY: 'example.com' }, undefined],
  ['https://a.example.com', { HTTPS_PROXY: PROXY, no_proxy: '.example.com' }, undefined],
  ['https://a.example.com', { HTTPS_PROXY: PROXY, NO_PROXY: '*.EXAMPLE.com' }, undefined],
  ['https://a.example.com', { HTTPS_PROXY: PROXY, NO_PROXY: 'ample.com' }, 'HTTPS_PROXY'],
  ['https://a.example.com', { HTTPS_PROXY: PROXY, NO_PROXY: '*' }, undefined],
  ['https://a.example.com', { HTTPS_PROXY: PROXY, NO_PROXY: 'x, a.example.com:443' }, undefined],
  ['https://a.example.com', { HTTPS_PROXY: PROXY, NO_PROXY: 'a.example.com:8443' }, 'HTTPS_PROXY'],
  ['https://a.example.com:8443', { HTTPS_PROXY: PROXY, NO_PROXY: 'a.example.com:8443' }, undefined],
  ['http://127.0.0.1:4400', { HTTP_PROXY: PROXY }, 'HTTP_PROXY'],
  ['http://127.0.0.1:4400', { HTTP_PROXY: PROXY, NO_PROXY: 'localhost 127.0.0.1' }, undefined],
  ['http://10.1.2.3', { HTTP_PROXY: PROXY, NO_PROXY: '10.0.0.0/8' }, undefined],
  ['http://11.1.2.3', { HTTP_PROXY: PROXY, NO_PROXY: '10.0.0.0/8' }, 'HTTP_PROXY'],
  ['http://10.1.2.3', { HTTP_PROXY: PROXY, NO_PROXY: '10.0.0.0/99,/,:,[' }, 'HTTP_PROXY'],
  ['http://[::1]:80', { HTTP_PROXY: PROXY, NO_PROXY: '::1' }, undefined],
  ['http://[::1]:81', { HTTP_PROXY: PROXY, NO_PROXY: '[::1]:80' }, 'HTTP_PROXY'],
  ['http://[fd00::5]', { HTTP_PROXY: PROXY, NO_PROXY: 'fd00::/8' }, undefined],
];

for (const [target, env, from] of CASES) {
  test(`${target} with ${JSON.stringify(env)} goes through ${from ?? 'no proxy'}`, () => {
    assert.equal(proxyOf(target, env)?.from, from);
  });
}

test('a proxy is named without its password, and one without a scheme speaks http', () => {
  const proxy = proxyOf('https://a.example.com', { HTTPS_PROXY: 'user:canary@proxy:3128' });
  assert.ok(proxy);
  assert.equal(proxy.url.password, 'canary');
  assert.equal(shownProxy(proxy), 'http://…@proxy:3128');
});

test('a variable that names no proxy is an error that does not quote it', () => {
  for (const value of ['socks5://u:canary@proxy:1080', 'http://', '::canary::']) {
    assert.throws(
      () => proxyOf('https://a.example.com', { HTTPS_PROXY: value }),
      (error: unknown) =>
        error instanceof AppError && error.code === 'usage' && !error.message.includes('canary'),
    );
  }
});
