/** A caller's trace goes on in the runner where OpenTelemetry is, and reaches the database's own span. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trace } from '@opentelemetry/api';
import type { BridgeClass } from '../../src/bridges/bridge.ts';
import { startRunner } from '../../src/runner/index.ts';
import { openScriptedGateway } from '../support/scripted-gateway.ts';
import { recordSpans } from '../support/spans.ts';

const TRACE = 'a'.repeat(32);
const SOURCE = { id: 's1', name: 'shop', bridge: 'fake', credentialsLocation: 'managed', config: {} };

test('a job of a traced caller is a span of its trace, the question to the database one below it', async t => {
  const exporter = recordSpans(t);
  class Fake {
    async connect(): Promise<void> {}
    async disconnect(): Promise<void> {}
    async count(target: string): Promise<number> {
      // As the instrumentation of a driver would.
      trace.getTracer('driver').startSpan('SELECT').end();
      if (target === 'nothing') throw new Error('no table with a canary-value');
      return 1;
    }
  }
  const gateway = await openScriptedGateway(t);
  const runner = startRunner({
    gatewayUrl: gateway.url,
    runnerId: 'edge',
    authToken: 'rk_tracing-test-token-0123456789',
    env: {},
    resolveBridge: () => Fake as unknown as BridgeClass,
  });
  t.after(() => runner.cancel());
  const session = await gateway.greeted([SOURCE], { features: { caller: {} } });
  const ask = async (id: string, target: string, traceparent: string | undefined) => {
    const params = { source: SOURCE, job: { kind: 'count', target, options: {} } };
    const caller = { name: 'ci', requestId: 'r', ...(traceparent === undefined ? {} : { traceparent }) };
    session.send({ type: 'job', id, params, deadlineMs: 9_000, caller });
    await session.ending(id);
    return exporter.getFinishedSpans().splice(0).reverse();
  };
  const [job, database, driver] = await ask('a', 'orders', `00-${TRACE}-${'b'.repeat(16)}-01`);
  assert.deepEqual([job?.name, database?.name, driver?.name], ['semilayer count', 'count orders', 'SELECT']);
  for (const span of [job, database, driver]) assert.equal(span?.spanContext().traceId, TRACE);
  assert.equal(job?.parentSpanContext?.spanId, 'b'.repeat(16));
  assert.equal(database?.parentSpanContext?.spanId, job?.spanContext().spanId);
  assert.equal(driver?.parentSpanContext?.spanId, database?.spanContext().spanId);
  assert.deepEqual([job?.attributes['semilayer.source'], job?.attributes['semilayer.job.id']], ['shop', 'a']);
  exporter.reset();
  const [failed] = await ask('b', 'nothing', `00-${TRACE}-${'b'.repeat(16)}-01`);
  assert.equal(failed?.status.code, 2);
  assert.ok(!JSON.stringify(failed?.status).includes('canary'));
  exporter.reset();
  const untraced = await ask('c', 'orders', undefined);
  assert.deepEqual(
    untraced.map(span => span.name),
    ['SELECT'],
  );
  exporter.reset();
  assert.deepEqual(
    (await ask('d', 'orders', 'not-a-trace')).map(span => span.name),
    ['SELECT'],
  );
});
