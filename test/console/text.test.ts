/** The words of the Console: what is shown, copied and sent, without a browser. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { composeManifest } from '../../src/commands/emit/compose.ts';
import { dockerManifest } from '../../src/commands/emit/docker.ts';
import { parseEnvText, valuesOf } from '../../src/config/env-file-text.ts';
import { configOf, fieldsOf, hasBothForms } from '../../src/console/text/bridge-form.ts';
import { envBlock, sourceVariable, startLines } from '../../src/console/text/env-block.ts';
import { type Condition, whereOf } from '../../src/console/text/filter.ts';
import { brief, plain, valueText } from '../../src/console/text/plain.ts';
import { asCommand, shellWord } from '../../src/console/text/question.ts';
import { durationText, parseDuration, relativeTime } from '../../src/console/text/time.ts';
import { parseQueryOptions } from '../../src/where/options.ts';

const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

test('whatever text comes, none of what is shown is unseen, and a cut is told', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), text => {
      assert.doesNotMatch(plain(text), UNSEEN);
      assert.ok(brief(text, 40).length <= 41 * 6);
    }),
  );
  assert.equal(plain('a\u202eb\n\u001b[0m'), 'a\\u202eb\\n\\u001b[0m');
  assert.equal(brief('abcdef', 3), 'abc…');
  assert.equal(valueText({ a: [1, 'x'] }), '{"a":[1,"x"]}');
});

test('a condition becomes the filter that the gateway takes, with values of the type of the column', () => {
  const types: Record<string, string> = { id: 'INTEGER', name: 'TEXT', paid: 'boolean' };
  const where = (...conditions: Omit<Condition, 'id'>[]) =>
    whereOf(
      conditions.map((condition, id) => ({ ...condition, id })),
      field => types[field] ?? '',
    );
  assert.equal(where(), undefined);
  assert.deepEqual(where({ field: 'id', op: '$eq', value: '7' }), { id: 7 });
  assert.deepEqual(where({ field: 'name', op: '$eq', value: '7' }), { name: '7' });
  assert.deepEqual(where({ field: 'id', op: '$gt', value: '9007199254740993' }), {
    id: { $gt: '9007199254740993' },
  });
  assert.deepEqual(where({ field: 'paid', op: '$ne', value: 'true' }), { paid: { $ne: true } });
  assert.deepEqual(where({ field: 'id', op: '$in', value: '1, 2,, 3' }), { id: { $in: [1, 2, 3] } });
  assert.deepEqual(where({ field: 'name', op: 'null', value: 'ignored' }), { name: null });
  assert.deepEqual(where({ field: 'name', op: 'not null', value: '' }), { name: { $ne: null } });
  assert.deepEqual(where({ field: 'id', op: '$gt', value: '1' }, { field: 'id', op: '$lt', value: '9' }), {
    $and: [{ id: { $gt: 1 } }, { id: { $lt: 9 } }],
  });
  const anyCondition = fc.record({
    id: fc.nat(),
    field: fc.constantFrom('id', 'name', 'paid'),
    op: fc.constantFrom('$eq', '$ne', '$lte', '$in', '$nin', '$contains', '$like', 'null', 'not null'),
    value: fc.string(),
  });
  fc.assert(
    fc.property(fc.array(anyCondition, { maxLength: 6 }), conditions => {
      const built = whereOf(conditions, field => types[field] ?? '');
      parseQueryOptions(built === undefined ? {} : { where: built });
    }),
  );
});

test('a command is one word for each of its parts, whatever they hold', () => {
  assert.equal(shellWord('plain-word.txt'), 'plain-word.txt');
  assert.equal(shellWord(`it's $HOME`), `'it'\\''s $HOME'`);
  assert.equal(shellWord(''), `''`);
  assert.equal(
    asCommand('shop', {
      target: 'order items',
      where: { name: `O'Hara` },
      orderBy: [{ field: 'id', dir: 'desc' }],
      select: ['id', 'name'],
      limit: 0,
    }),
    `semilayer query shop 'order items' --where '{"name":"O'\\''Hara"}' --order-by id:desc --select id,name --limit 0`,
  );
});

test('the env block is an env file, and no other line holds the token', () => {
  const runner = {
    id: 'the-id',
    name: 'edge',
    token: 'rk_secret',
    gatewayUrl: 'ws://127.0.0.1:4400/connect',
    version: '1.2.3',
  };
  assert.deepEqual(valuesOf(parseEnvText(envBlock(runner))), {
    SEMILAYER_RUNNER_ID: 'the-id',
    SEMILAYER_RUNNER_TOKEN: 'rk_secret',
    SEMILAYER_GATEWAY_URL: 'ws://127.0.0.1:4400/connect',
  });
  const hosted = { ...runner, gatewayUrl: 'wss://runner.semilayer.com/connect' };
  assert.equal(envBlock(hosted).split('\n').length, 3);
  for (const line of Object.values(startLines(runner))) {
    assert.doesNotMatch(line, /rk_secret/);
    assert.match(line, /edge\.env/);
  }
  assert.match(startLines(runner).docker, /--network host/);
  assert.doesNotMatch(startLines(hosted).docker + startLines(hosted).compose, /host/);
  assert.equal(sourceVariable('pg-main'), 'SEMILAYER_SOURCE_PG_MAIN_URL');
});

test('the lines to paste name the image, and the time to leave, that `run --emit` does', () => {
  const gatewayUrl = 'wss://gateway.example/connect';
  const deployment = {
    ...{ runnerId: 'edge', gatewayUrl, version: '1.2.3', insecure: false, healthPort: 8080 },
    ...{ gracePeriodMs: 25_000, concurrency: undefined, self: [] },
  };
  const pasted = startLines({ name: 'edge', gatewayUrl, version: '1.2.3' });
  const factsOf = (manifest: string): string[] =>
    [/semilayer:[\w.-]+/, /(?:--stop-timeout |stop_grace_period: )\d+/].map(
      one => one.exec(manifest)?.[0] ?? '',
    );
  assert.deepEqual(factsOf(pasted.docker), ['semilayer:1.2.3', '--stop-timeout 40']);
  assert.deepEqual(factsOf(pasted.docker), factsOf(dockerManifest(deployment)));
  assert.deepEqual(factsOf(pasted.compose), factsOf(composeManifest(deployment)));
});

test('a manifest becomes a form, and the form a config', () => {
  const url = { key: 'url', label: 'URL', type: 'string' };
  const port = { key: 'port', label: 'Port', type: 'number' };
  const tls = { key: 'tls', label: 'TLS', type: 'boolean' };
  const bridge = {
    packageName: 'x',
    displayName: 'X',
    supportsUrl: true,
    urlPlaceholder: null,
    fields: [url, port, tls],
  };
  assert.equal(hasBothForms(bridge), true);
  assert.deepEqual(fieldsOf(bridge, true), [url]);
  assert.deepEqual(fieldsOf(bridge, false), [port, tls]);
  assert.deepEqual(fieldsOf({ ...bridge, supportsUrl: false }, true), [url, port, tls]);
  assert.equal(fieldsOf({ ...bridge, fields: [port] }, true)[0]?.key, 'url');
  assert.equal(fieldsOf(undefined, false)[0]?.key, 'url');
  assert.deepEqual(configOf([port, tls, url], { port: '5432', tls: true, url: '' }), {
    port: 5432,
    tls: true,
  });
});

test('time is told as a person tells it', () => {
  const now = Date.UTC(2026, 0, 10);
  const ago = (ms: number) => relativeTime(new Date(now - ms).toISOString(), now);
  assert.equal(ago(5_000), 'just now');
  assert.equal(ago(3 * 60_000), '3 min ago');
  assert.equal(ago(26 * 3_600_000), '1 day ago');
  assert.equal(ago(-600_000), 'in 10 min');
  assert.deepEqual([0.04, 0.44, 12.4, 1_240, 125_000, 5_400_000, 604_800_000].map(durationText), [
    '<0.1 ms',
    '0.4 ms',
    '12 ms',
    '1.2 s',
    '2 min 5 s',
    '1 h 30 min',
    '7 days',
  ]);
  assert.deepEqual(['10m', '1h30m', '7d', '500ms', '', '10', 'm', '-1s', '1w'].map(parseDuration), [
    600_000,
    5_400_000,
    604_800_000,
    500,
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
