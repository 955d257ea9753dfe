/** A rolling update as Kubernetes does it, with processes and the numbers of our own manifest: no request fails. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import type { DemoProcess } from '../../src/commands/demo-process.ts';
import { openProgram, type Program } from '../support/program.ts';

const MANIFEST = fileURLToPath(new URL('../../deploy/kubernetes/runner.yaml', import.meta.url));
/** Requests a second, of which every tenth reads the whole table. */
const RATE = 50;
const ROWS = 5_000;

interface Pod {
  process: DemoProcess;
  port: string;
}

test('two replicas are replaced, with a rotated token, while requests keep coming, and none fails', async t => {
  const plan = await readPlan();
  assert.deepEqual([plan.replicas, plan.maxSurge, plan.maxUnavailable], [2, 1, 0]);
  const program = await openProgram(t);
  const { url, key } = await program.gateway();
  await writeSampleDatabase(join(program.cwd, 'shop.db'), { rows: ROWS });
  await program.run(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url', 'shop.db']);
  const created = await program.json<{ token: string }>(['runners', 'create', 'edge-1']);
  await program.run(['runners', 'assign', 'edge-1', 'shop']);
  const tokenFile = join(program.cwd, 'token');
  await writeFile(tokenFile, created.token, { mode: 0o600 });
  const begin = () => startPod(program, plan, url, tokenFile);
  let pods: Pod[] = await Promise.all([begin(), begin()]);
  for (const pod of pods) await isReady(pod, plan);

  const load = requests(url, key);
  await load.answered(RATE);
  const rotated = await program.json<{ token: string }>([
    'runners',
    'rotate',
    'edge-1',
    '--overlap',
    '10m',
    '--yes',
  ]);
  await writeFile(tokenFile, rotated.token);
  const next: Pod[] = [];
  for (const old of pods) {
    // One more than there should be, ready before one of the old is told to go.
    const pod = await begin();
    await isReady(pod, plan);
    next.push(pod);
    if (next.length === 1) await sessionsByToken(program, { current: 1, previous: 2 });
    old.process.kill('SIGTERM');
    const deadline = setTimeout(() => old.process.kill('SIGKILL'), plan.terminationGraceMs);
    const { status } = await old.process.ended;
    clearTimeout(deadline);
    assert.equal(status, 0, 'drained within its time');
    await load.answered(RATE / 2);
  }
  pods = next;
  await sessionsByToken(program, { current: 2, previous: 0 });
  const { failures, answers } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(answers > RATE * 2, `${answers} requests`);
  const { items } = (await (
    await fetch(`${url}/v1/jobs?limit=1000&status=failed`, { headers: { authorization: `Bearer ${key}` } })
  ).json()) as { items: unknown[] };
  assert.deepEqual(items, []);
  for (const pod of pods) pod.process.kill('SIGTERM');
});

interface Plan {
  replicas: number;
  maxSurge: number;
  maxUnavailable: number;
  terminationGraceMs: number;
  args: string[];
  probe: { path: string; periodMs: number; timeoutMs: number };
}

async function readPlan(): Promise<Plan> {
  const [deployment] = parseAllDocuments(await readFile(MANIFEST, 'utf8'));
  const { spec } = deployment!.toJS() as {
    spec: {
      replicas: number;
      strategy: { rollingUpdate: { maxSurge: number; maxUnavailable: number } };
      template: {
        spec: {
          terminationGracePeriodSeconds: number;
          containers: {
            args: string[];
            readinessProbe: { httpGet: { path: string }; periodSeconds: number; timeoutSeconds: number };
          }[];
        };
      };
    };
  };
  const pod = spec.template.spec;
  const container = pod.containers[0]!;
  const { httpGet, periodSeconds, timeoutSeconds } = container.readinessProbe;
  return {
    replicas: spec.replicas,
    ...spec.strategy.rollingUpdate,
    terminationGraceMs: pod.terminationGracePeriodSeconds * 1_000,
    args: container.args,
    probe: { path: httpGet.path, periodMs: periodSeconds * 1_000, timeoutMs: timeoutSeconds * 1_000 },
  };
}

async function startPod(program: Program, plan: Plan, url: string, tokenFile: string): Promise<Pod> {
  const process = program.start(plan.args, {
    SEMILAYER_RUNNER_ID: 'edge-1',
    SEMILAYER_RUNNER_TOKEN_FILE: tokenFile,
    SEMILAYER_GATEWAY_URL: `${url.replace('http', 'ws')}/connect`,
    SEMILAYER_HEALTH_PORT: '0',
  });
  const [, port = ''] = await process.line(/health on http:\/\/127\.0\.0\.1:(\d+)/);
  return { process, port };
}

/** As the kubelet asks: at its period, each time with its patience. */
async function isReady({ port }: Pod, { probe }: Plan): Promise<void> {
  for (;;) {
    const signal = AbortSignal.timeout(probe.timeoutMs);
    const answer = await fetch(`http://127.0.0.1:${port}${probe.path}`, { signal }).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise(resolve => setTimeout(resolve, probe.periodMs));
  }
}

/** `runners show` tells which process uses which token. */
async function sessionsByToken(
  program: Program,
  expected: { current: number; previous: number },
): Promise<void> {
  const runner = await program.json<{
    fingerprint: string;
    previousFingerprint: string;
    sessions: { fingerprint: string }[];
  }>(['runners', 'show', 'edge-1']);
  const using = (fingerprint: string) =>
    runner.sessions.filter(one => one.fingerprint === fingerprint).length;
  assert.deepEqual(
    { current: using(runner.fingerprint), previous: using(runner.previousFingerprint) },
    expected,
  );
}

/** Requests at a steady rate, whatever becomes of those before. */
function requests(url: string, key: string) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const failures: string[] = [];
  const underWay = new Set<Promise<void>>();
  let sent = 0;
  let answers = 0;
  let waiting: { count: number; resolve: () => void } | undefined;
  const one = async (): Promise<void> => {
    const whole = sent++ % 10 === 0;
    const body = JSON.stringify({ target: 'orders', ...(whole ? {} : { limit: 5 }) });
    try {
      const accept = whole ? 'application/x-ndjson' : 'application/json';
      const response = await fetch(`${url}/v1/sources/shop/query`, {
        method: 'POST',
        headers: { ...headers, accept },
        body,
      });
      const text = await response.text();
      const rows = whole
        ? text.trimEnd().split('\n').length
        : (JSON.parse(text) as { rows: unknown[] }).rows.length;
      if (response.status !== 200 || rows !== (whole ? ROWS : 5))
        failures.push(`${response.status}: ${text.slice(-200)}`);
    } catch (error) {
      failures.push(String(error));
    }
    answers++;
    if (waiting && answers >= waiting.count) waiting.resolve();
  };
  const timer = setInterval(() => {
    const request = one();
    underWay.add(request);
    void request.finally(() => underWay.delete(request));
  }, 1_000 / RATE);
  return {
    /** Resolves once so many more have been answered. */
    answered: (count: number) =>
      new Promise<void>(resolve => {
        waiting = { count: answers + count, resolve };
      }),
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      return { failures, answers };
    },
  };
}
