/** A caller's trace through all of it: the gateway's span, the runner's below it, the database's below that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRunner, openGateway } from '../support/gateway.ts';
import { recordSpans } from '../support/spans.ts';

const TRACE = 'c'.repeat(32);
const CALLER = 'd'.repeat(16);
const TRACED = { traceparent: `00-${TRACE}-${CALLER}-01` };
const BODY = { target: 'orders' };

test('each hop is a span below the one before it, and a failure is told by its code alone', async t => {
  const exporter = recordSpans(t);
  const { ask, shop, connectUrl } = await openGateway(t);
  const { token, runnerId } = await shop();
  await connectRunner(t, { gatewayUrl: connectUrl, runnerId, authToken: token });
  const spans = () => exporter.getFinishedSpans().splice(0);

  const answer = await ask('POST', '/v1/sources/shop/count', BODY, TRACED);
  assert.equal(answer.status, 200, answer.text);
  const found = spans();
  const [gateway, runner, database] = [
    'POST /v1/sources/:source/count',
    'semilayer count',
    'count orders',
  ].map(name => found.find(span => span.name === name));
  for (const span of [gateway, runner, database]) assert.equal(span?.spanContext().traceId, TRACE);
  assert.equal(gateway?.parentSpanContext?.spanId, CALLER);
  assert.equal(runner?.parentSpanContext?.spanId, gateway?.spanContext().spanId);
  assert.equal(database?.parentSpanContext?.spanId, runner?.spanContext().spanId);
  assert.equal(gateway?.attributes['semilayer.request.id'], answer.headers.get('x-request-id'));
  assert.equal(gateway?.attributes['semilayer.source'], 'shop');

  exporter.reset();
  assert.equal((await ask('POST', '/v1/sources/shop/count', { target: 'canary' }, TRACED)).status, 422);
  const failed = spans().find(span => span.name.startsWith('POST'));
  assert.deepEqual(failed?.status, { code: 2, message: 'SOURCE_QUERY_FAILED' });

  exporter.reset();
  await ask('POST', '/v1/sources/shop/count', BODY);
  await ask('POST', '/v1/sources/shop/count', BODY, { traceparent: 'not-a-trace' });
  // Whoever may ask nothing leaves nothing in a trace store, and health checks would only fill it.
  await ask('POST', '/v1/sources/shop/count', BODY, { ...TRACED, authorization: 'Bearer sk_wrong' });
  await ask('GET', '/livez', undefined, TRACED);
  assert.deepEqual(spans(), []);
});
