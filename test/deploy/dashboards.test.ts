/** The dashboard and the alerts: every expression is one of PromQL, and names figures that runner and gateway really have. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import { parseExposition } from '../support/exposition.ts';
import { openProgram } from '../support/program.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
let expressions: { from: string; text: string }[];
let dashboard: {
  uid: string;
  panels: { id: number; title: string; gridPos: Box; targets: { expr: string }[] }[];
};

interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

before(async () => {
  dashboard = JSON.parse(await readFile(join(ROOT, 'deploy/grafana/semilayer.json'), 'utf8'));
  const rules = parse(await readFile(join(ROOT, 'deploy/prometheus/alerts.yaml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
  };
  const alerts = rules.groups.flatMap(group => group.rules);
  for (const { annotations } of alerts) assert.ok(annotations.summary && annotations.action);
  expressions = [
    ...dashboard.panels.flatMap(panel => panel.targets.map(one => ({ from: panel.title, text: one.expr }))),
    ...alerts.map(rule => ({ from: rule.alert, text: rule.expr })),
  ];
});

test('every expression is well formed', () => {
  assert.ok(expressions.length > 25);
  for (const { from, text } of expressions) assert.deepEqual([from, faultsIn(text)], [from, []]);
  assert.notDeepEqual(faultsIn('sum by (x) rate('), [], 'the parser finds fault');
});

test('panels have an id and a place of their own', () => {
  const { panels } = dashboard;
  assert.equal(new Set(panels.map(panel => panel.id)).size, panels.length);
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, at) => `${x + (at % w)}:${y + Math.floor(at / w)}`),
  );
  assert.equal(new Set(cells).size, cells.length);
});

test('the parser of the figures finds fault', () => {
  const head = '# TYPE jobs histogram\n';
  const fine = `${head}jobs_bucket{le="1"} 1\njobs_bucket{le="+Inf"} 2\njobs_sum 3\njobs_count 2\n`;
  assert.equal(parseExposition(fine).get('jobs')?.samples.length, 4);
  const faults = [
    ['jobs 1\n', /before its type/],
    [`${head}jobs_bucket{le="1"} 3\njobs_bucket{le="+Inf"} 2\njobs_sum 3\njobs_count 2\n`, /buckets/],
    [fine.replace('jobs_count 2', 'jobs_count 5'), /count of/],
    [`${fine}jobs_sum 3\n`, /twice/],
    [fine.replace('le="1"', 'le="a"b"'), /sample/],
    [fine.replace('jobs_sum 3', 'jobs_sum three'), /sample/],
    [head.repeat(2), /type/],
  ] as const;
  for (const [text, fault] of faults) assert.throws(() => parseExposition(text), fault);
});

test('every figure they name is one that a runner or a gateway gives, with those labels', async t => {
  const program = await openProgram(t);
  const { url, key } = await program.gateway();
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: 5 });
  await program.run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url', 'shop.db']);
  await program.run(['runners', 'create', 'edge', '--env-file', '.env']);
  await program.run(['runners', 'assign', 'edge', 'shop']);
  await writeFile(join(program.cwd, 'semilayer.policy.json'), '{"version":1}');
  const run = program.start(['run', '--env-file', '.env', '--health-port', '0', '--ledger', 'ledger'], {
    SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect`,
  });
  const [, origin = ''] = await run.line(/health on (http:\S+)\/readyz/);
  await run.line(/connected, awaiting jobs/);
  assert.equal((await program.run(['count', 'shop', 'orders'])).stdout, '5\n');
  const texts = await Promise.all([
    fetch(`${origin}/metrics`).then(answer => answer.text()),
    fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } }).then(answer => answer.text()),
  ]);
  // A figure that has not happened yet is told of all the same, without a value.
  const known = new Set<string>();
  for (const text of texts)
    for (const [name, { type }] of parseExposition(text)) {
      known.add(name);
      if (type === 'histogram') for (const part of ['bucket', 'sum', 'count']) known.add(`${name}_${part}`);
    }
  for (const { from, text } of expressions)
    for (const name of metricsIn(text)) assert.ok(known.has(name), `${from}: ${name}`);
  const lines = texts.join('\n').split('\n');
  assert.ok(lines.includes('semilayer_runner_source_up{source="shop"} 1'));
  assert.ok(lines.includes('semilayer_runner_ledger_failing 0'));
  assertFigures(lines);
});

/** One count of one source has been asked for: each figure of it is there, under no label but a kind, a source, an ending. */
function assertFigures(lines: readonly string[]): void {
  const job = 'kind="count",source="shop"';
  for (const figure of [
    `semilayer_runner_jobs_total{${job},ending="done"} 1`,
    `semilayer_runner_job_first_rows_seconds_count{${job}} 1`,
    'semilayer_runner_jobs_running{source="shop"} 0',
    'semilayer_runner_jobs_waiting{source="shop"} 0',
    'semilayer_runner_pool_in_use{source="shop"} 0',
    'semilayer_runner_pool_limit{source="shop"} 8',
    'semilayer_runner_link_round_trip_seconds_count 1',
    `semilayer_gateway_jobs_total{${job},ending="done"} 1`,
    `semilayer_gateway_rows_total{${job}} 0`,
    `semilayer_gateway_job_duration_seconds_count{${job}} 1`,
    `semilayer_gateway_job_first_rows_seconds_count{${job}} 1`,
    'semilayer_gateway_link_round_trip_seconds_count 1',
  ])
    assert.ok(lines.includes(figure), figure);
  const ours = lines.filter(line => line.startsWith('semilayer_')).join('\n');
  const labels = new Set([...ours.matchAll(/[{,](\w+)="/g)].map(([, label]) => label));
  assert.deepEqual([...labels].sort(), ['ending', 'kind', 'le', 'source', 'version']);
  assert.doesNotMatch(ours, /orders|admin/, 'neither a target nor a caller');
}

/** Grafana puts its own interval there. */
function plain(expression: string): string {
  return expression.replaceAll('$__rate_interval', '5m');
}

function faultsIn(expression: string): number[] {
  const faults: number[] = [];
  parser.parse(plain(expression)).iterate({
    enter(node) {
      if (node.type.isError) faults.push(node.from);
    },
  });
  return faults;
}

function metricsIn(expression: string): string[] {
  const text = plain(expression);
  const names: string[] = [];
  parser.parse(text).iterate({
    enter(node) {
      if (node.name === 'VectorSelector')
        names.push(/^[A-Za-z_:][\w:]*/.exec(text.slice(node.from))?.[0] ?? '');
    },
  });
  return names;
}
