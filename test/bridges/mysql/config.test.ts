import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SourceUnreachableError } from '../../../src/bridges/bridge.ts';
import { parseConfig } from '../../../src/bridges/mysql/config.ts';
import { MysqlBridge } from '../../../src/bridges/mysql/mysql-bridge.ts';

const SECRET = 'kX9-very-secret';

test('a URL and fields say the same', () => {
  const expected = {
    host: 'db.example.com',
    port: 3307,
    socketPath: undefined,
    user: 'reader',
    password: 'p@ss:/#?',
    database: 'shop',
    ssl: undefined,
    plainWillDo: true,
    maxConnections: 10,
    connectTimeoutMs: 10_000,
  };
  const rest = { 'ssl-mode': 'DISABLED' };
  for (const config of [
    { url: 'mysql://reader:p%40ss%3A%2F%23%3F@db.example.com:3307/shop?ssl-mode=DISABLED' },
    { url: 'mariadb://reader:p%40ss%3A%2F%23%3F@db.example.com:3307/shop?sslMode=disabled' },
    { host: 'db.example.com', port: 3307, user: 'reader', password: 'p@ss:/#?', database: 'shop', ...rest },
    {
      host: 'db.example.com',
      port: '3307',
      username: 'reader',
      pass: 'p@ss:/#?',
      database: 'shop',
      ssl: false,
    },
    { url: 'mysql://reader@db.example.com:3307/shop', password: 'p@ss:/#?', ...rest },
  ]) {
    assert.deepEqual(parseConfig(config), expected, JSON.stringify(config));
  }
  assert.equal(parseConfig({ user: 'a', pool: { max: 3 } }).maxConnections, 3);
  assert.equal(parseConfig({ url: 'mysql://a@[::1]/b' }).host, '::1');
  assert.equal(parseConfig({ url: 'mysql://a@/b?socket=/run/mysqld.sock' }).socketPath, '/run/mysqld.sock');
});

test('ssl-mode, a flag or an authority alone: what each asks of the certificate', () => {
  const of = (config: object) => {
    const { ssl, plainWillDo } = parseConfig({ user: 'a', host: 'db', ...config });
    return ssl ? [ssl.rejectUnauthorized, ssl.verifyIdentity, plainWillDo] : undefined;
  };
  const ca = '-----BEGIN CERTIFICATE-----';
  assert.deepEqual(of({}), [false, false, true]);
  assert.deepEqual(of({ ssl: true }), [false, false, false]);
  assert.deepEqual(of({ ssl: 'REQUIRED' }), [false, false, false]);
  assert.deepEqual(of({ sslMode: 'REQUIRED', ca }), [true, false, false]);
  assert.deepEqual(of({ ca }), [true, false, false]);
  assert.deepEqual(of({ 'ssl-mode': 'verify_ca' }), [true, false, false]);
  assert.deepEqual(of({ 'ssl-mode': 'VERIFY_IDENTITY' }), [true, true, false]);
  assert.equal(of({ ssl: false }), undefined);
  assert.equal(of({ socketPath: '/run/mysqld.sock' }), undefined);
});

test('what is wrong in a config is one sentence, without its password', () => {
  const cases: [Record<string, unknown>, RegExp][] = [
    [{}, /names no user$/],
    [{ url: 5 }, /url is not a text$/],
    [{ url: `postgresql://a:${SECRET}@b/c` }, /does not begin with mysql:\/\/$/],
    [{ url: `mysql://a:${SECRET}@b:port/c` }, /url is no URL/],
    [{ url: `mysql://a:${SECRET}%@b/c` }, /the password in url holds a %/],
    [{ url: `mysql://a:x@b/c#${SECRET}` }, /url holds a #/],
    [{ url: `mysql://a:${SECRET}@b/c?ssl-mode=maybe` }, /ssl-mode is none of DISABLED, PREFERRED/],
    [{ user: 'a', password: SECRET, port: 70_000 }, /port is not a number from 1 to 65535$/],
    [{ user: 'a', password: SECRET, port: 'x' }, /port is not a number$/],
    [{ user: 'a', password: 5 }, /password is not a text$/],
    [{ user: 'a', password: SECRET, pool: { max: 0 } }, /pool\.max is not a whole number/],
    [
      { user: 'a', password: SECRET, ca: '/no/such/file.pem' },
      /the file that ssl-ca names cannot be read \(ENOENT\)$/,
    ],
    [{ user: 'a', password: SECRET, host: '10.0.0.1', sslMode: 'VERIFY_IDENTITY' }, /host is an address$/],
    [{ user: 'a', password: SECRET, ssl: 5 }, /ssl is neither true, false nor an ssl-mode$/],
  ];
  for (const [config, message] of cases) {
    assert.throws(
      () => new MysqlBridge(config),
      (error: unknown) => {
        assert.ok(error instanceof SourceUnreachableError);
        assert.match(error.message, message);
        assert.equal(`${error.message}${error.stack}`.includes(SECRET), false);
        return true;
      },
    );
  }
});

test('the manifest masks the password alone', () => {
  const { fields, supportsUrl, packageName } = MysqlBridge.manifest;
  assert.deepEqual([supportsUrl, packageName], [true, '@semilayer/bridge-mysql']);
  assert.deepEqual(
    fields.filter(field => field.type === 'password').map(field => field.key),
    ['password'],
  );
});
