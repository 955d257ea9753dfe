/** The gateway's figures: what is counted before the library is there, and labels that a hostile runner cannot multiply. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EndedJob, GatewayMetrics } from '../../src/gateway/metrics.ts';

const JOB: EndedJob = {
  kind: 'query',
  source: 'shop',
  ending: 'done',
  rows: 3,
  bytes: 90,
  durationMs: 40,
  firstRowsMs: 7,
};

function openMetrics(): GatewayMetrics {
  return new GatewayMetrics({
    version: '1.2.3',
    state: () => ({
      sessions: 2,
      activeJobs: 3,
      queuedJobs: 1,
      jobsBySource: () => new Map([['shop', { running: 2, queued: 1 }]]),
    }),
  });
}

test('nothing that happened before the library was loaded is missing', async () => {
  const metrics = openMetrics();
  for (let count = 0; count < 50; count++) metrics.jobEnded(JOB);
  metrics.jobEnded({ ...JOB, ending: 'SOURCE_UNREACHABLE', rows: 0, bytes: 0, firstRowsMs: null });
  const lines = (await metrics.text()).text.split('\n');
  for (const line of [
    'semilayer_gateway_jobs_total{kind="query",source="shop",ending="done"} 50',
    'semilayer_gateway_jobs_total{kind="query",source="shop",ending="SOURCE_UNREACHABLE"} 1',
    'semilayer_gateway_rows_total{kind="query",source="shop"} 150',
    'semilayer_gateway_bytes_total{kind="query",source="shop"} 4500',
    'semilayer_gateway_job_first_rows_seconds_count{kind="query",source="shop"} 50',
    'semilayer_gateway_job_duration_seconds_count{kind="query",source="shop"} 51',
    'semilayer_gateway_source_jobs_running{source="shop"} 2',
    'semilayer_gateway_source_jobs_queued{source="shop"} 1',
  ])
    assert.ok(lines.includes(line), line);
});

test('no code that a runner or a peer makes up becomes a label', async () => {
  const metrics = openMetrics();
  for (let made = 0; made < 100; made++) {
    metrics.jobEnded({ ...JOB, ending: `MADE_UP_${made}` });
    metrics.sessionEnded(4_500 + made);
  }
  metrics.sessionEnded(1006);
  const { text } = await metrics.text();
  assert.match(text, /^semilayer_gateway_jobs_total\{kind="query",source="shop",ending="other"\} 100$/m);
  assert.match(text, /^semilayer_gateway_sessions_ended_total\{cause="other"\} 100$/m);
  assert.match(text, /^semilayer_gateway_sessions_ended_total\{cause="close_1006"\} 1$/m);
  assert.doesNotMatch(text, /MADE_UP|close_45/);
});
