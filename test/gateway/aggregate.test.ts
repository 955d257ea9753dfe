/** Aggregates through gateway and runner: refused before a runner is asked, or answered as the bridge does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRunner, openGateway } from '../support/gateway.ts';

const PATH = '/v1/sources/shop/aggregate';

test('a wrong aggregate is refused by its place, with no runner to ask', async t => {
  const { ask, shop } = await openGateway(t);
  await shop();
  const cases: [object, string, RegExp][] = [
    [{}, 'invalid_request', /lacks the key "target"/],
    [{ dimension: [] }, 'invalid_request', /unknown key "dimension"/],
    [{ dimensions: [{ field: 'status', bucked: 'day' }] }, 'invalid_request', /dimensions\.0 .* "bucked"/],
    [{ measures: { m: { agg: 'sum', colum: 'total' } } }, 'invalid_request', /measures\.m .* "colum"/],
    [{ measures: { m: { agg: 'sum' } } }, 'invalid_request', /measures\["m"\] lacks the column/],
    [{ where: {}, candidatesWhere: {} }, 'invalid_request', /two names of one option/],
    [{ having: { total: 1 } }, 'invalid_request', /having names "total"/],
    [{ sort: [{ key: 'count', dir: 'up' }] }, 'invalid_request', /sort\.0\.dir/],
    [{ measures: { m: { agg: 'median', column: 'total' } } }, 'unsupported_operator', /"median"/],
    [{ dimensions: [{ field: 'placed_at', bucket: 'decade' }] }, 'unsupported_operator', /"decade"/],
    [{ candidatesWhere: { total: { $near: 1 } } }, 'unsupported_operator', /\$near/],
  ];
  for (const [options, code, detail] of cases) {
    const body = Object.keys(options).length === 0 ? {} : { target: 'orders', ...options };
    const { status, json } = await ask('POST', PATH, body);
    assert.deepEqual([status, json.code], [400, code], JSON.stringify(options));
    assert.match(json.detail, detail);
  }
  assert.equal((await ask('POST', PATH, { target: 'orders' })).status, 503);
});

test('buckets cross with every name they were given, as JSON and line by line', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  await connectRunner(t, { gatewayUrl: connectUrl, runnerId, authToken: token });
  const body = `{"target":"orders","dimensions":[{"field":"status","as":"__proto__"}],
    "measures":{"__proto__":{"agg":"count"},"count":{"agg":"top_k","column":"status","k":1}},
    "where":{"status":{"$in":["shipped","pending"]}}}`;
  const answer = await ask('POST', PATH, body);
  assert.equal(answer.status, 200, answer.text);
  const names = answer.json.rows.map(row => JSON.stringify(row.dims));
  assert.deepEqual(names, ['{"__proto__":"pending"}', '{"__proto__":"shipped"}']);
  const [first] = answer.json.rows as { measures: object; count: number }[];
  assert.equal(
    JSON.stringify(first?.measures),
    `{"__proto__":${first?.count},"count":[{"value":"pending","count":${first?.count}}]}`,
  );
  assert.equal(answer.json.meta.count, 2);
  const lines = await ask('POST', PATH, body, { accept: 'application/x-ndjson' });
  assert.deepEqual(
    lines.text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line)),
    answer.json.rows,
  );
});

test('what the bridge cannot do is its own refusal, and has the same status', async t => {
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  await connectRunner(t, { gatewayUrl: connectUrl, runnerId, authToken: token });
  for (const options of [
    { measures: { m: { agg: 'rate' } } },
    { dimensions: [{ field: 'id', bucket: { type: 'h3', resolution: 3 } }] },
    { sample: 0.1 },
  ]) {
    const { status, json } = await ask('POST', PATH, { target: 'orders', ...options });
    assert.deepEqual([status, json.code], [400, 'unsupported_operator'], JSON.stringify(json));
  }
  const { status, json } = await ask('POST', PATH, { target: 'orders', dimensions: [{ field: 'nr' }] });
  assert.deepEqual([status, json.code], [422, 'SOURCE_QUERY_FAILED']);
  assert.match(json.detail, /no column "nr"/);
});
