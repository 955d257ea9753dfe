/** `semilayer demo`: the whole loop with real parts in a temporary directory, each step as a person would type it. */
import { mkdir, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeSampleDatabase } from '../bridges/sample-data.ts';
import type { Context } from '../cli/context.ts';
import { AppError, EXIT } from '../errors.ts';
import { sanitise } from '../output/sanitise.ts';
import { DemoProcess, type Finished, finish } from './demo-process.ts';

/** Longest any one step may take on a slow machine. */
const STEP_TIMEOUT_MS = 20_000;
const SOURCE = 'shop';
const RUNNER = 'demo';
const ROWS = 4_000;

export async function demoCommand(_flags: unknown, ctx: Context): Promise<void> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'semilayer-demo-')));
  const demo = new Demo(ctx, directory);
  const interrupted = ctx.signals.on(['SIGINT', 'SIGTERM', 'SIGHUP'], name => {
    // The children are in our process group and have heard it as well; what they hold is temporary.
    void demo.cleanUp().finally(() => ctx.exitNow(name === 'SIGINT' ? EXIT.interrupted : EXIT.terminated));
  });
  try {
    await demo.play();
  } finally {
    if (ctx.global.json) ctx.output.document(demo.report());
    interrupted();
    await demo.cleanUp();
  }
}

/** A step as `--json` tells of it. */
interface StepReport {
  command: string;
  ok: boolean;
  durationMs: number;
  result: string | null;
  rows: unknown[];
}

class Demo {
  readonly #steps: StepReport[] = [];
  readonly #ctx: Context;
  readonly #directory: string;
  readonly #processes: DemoProcess[] = [];
  readonly #startedAt: number;

  constructor(ctx: Context, directory: string) {
    this.#ctx = ctx;
    this.#directory = directory;
    this.#startedAt = ctx.clock.monotonic();
  }

  async play(): Promise<void> {
    const { output } = this.#ctx;
    const envFile = join(this.#directory, 'runner.env');
    const database = join(this.#directory, 'shop.db');

    output.note(`A gateway, a runner and a database of its own, in ${this.#directory}\n`);
    let key = '';
    const gateway = await this.#step('semilayer gateway --port 0', async () => {
      const started = this.#spawn(['gateway', '--port', '0', '--data-dir', join(this.#directory, 'data')]);
      const url = (await started.line(/listening on (\S+)/))[1] as string;
      key = (await started.line(/^SEMILAYER_API_KEY=(\S+)$/))[1] as string;
      return { process: started, url, said: `service, gateway and Console at ${url}` };
    });
    await this.#step('semilayer login --api-key-stdin', async () => {
      await this.#semilayer(['login', '--service-url', gateway.url, '--api-key-stdin'], `${key}\n`);
      return { said: 'the key that the gateway printed once' };
    });
    await this.#step(`semilayer sources add ${SOURCE} --bridge sqlite --url-stdin`, async () => {
      const { tables } = await writeSampleDatabase(database, { rows: ROWS });
      await this.#semilayer(
        ['sources', 'add', SOURCE, '--bridge', 'sqlite', '--url-stdin'],
        `file:${database}\n`,
      );
      return { said: `a SQLite database with ${tables.join(', ')}` };
    });
    await this.#step(`semilayer runners create ${RUNNER} --env-file runner.env`, async () => {
      await this.#semilayer(['runners', 'create', RUNNER, '--env-file', envFile]);
      return { said: 'its ID and token are in runner.env, and nowhere else' };
    });
    await this.#step(`semilayer runners assign ${RUNNER} ${SOURCE}`, async () => {
      await this.#semilayer(['runners', 'assign', RUNNER, SOURCE]);
      return {};
    });
    let runner = await this.#startRunner(envFile);
    await this.#step('semilayer runners list', async () => {
      const { stdout } = await this.#semilayer(['runners', 'list', '--json']);
      const [record] = JSON.parse(stdout) as { name: string; status: string }[];
      expect(record?.status === 'online', `${RUNNER} is ${record?.status}, not online`);
      return { said: `${record?.name} is ${record?.status}` };
    });
    await this.#query();
    await this.#step(`semilayer count ${SOURCE} orders`, async () => {
      const { stdout } = await this.#semilayer(['count', SOURCE, 'orders']);
      expect(Number(stdout) === ROWS, `counted ${stdout.trim()} orders, not ${ROWS}`);
      return { said: `${stdout.trim()} orders` };
    });
    await this.#step(`semilayer runners rotate ${RUNNER} --yes --env-file runner.env`, async () => {
      await this.#semilayer(['runners', 'rotate', RUNNER, '--yes', '--env-file', envFile]);
      const { status } = await this.#within('the old session to die', runner.ended);
      expect(
        status === EXIT.refused,
        `the runner with the old token ended with ${status}, not ${EXIT.refused}`,
      );
      return { said: `the session with the old token was closed; its process ended with ${status}` };
    });
    runner = await this.#startRunner(envFile);
    await this.#query();
    await this.#step('stop the runner and the gateway', async () => {
      for (const process of [runner, gateway.process]) {
        process.kill('SIGTERM');
        const { status } = await this.#within('a drain', process.ended);
        expect(status === EXIT.ok || globalThis.process.platform === 'win32', `a drain ended with ${status}`);
      }
      return { said: 'both drained and ended with 0' };
    });
    const seconds = (this.#ctx.clock.monotonic() - this.#startedAt) / 1000;
    output.note(`\nDone in ${seconds.toFixed(1)} s. To keep such a loop running: semilayer dev`);
  }

  report(): { ok: boolean; durationMs: number; steps: StepReport[] } {
    return {
      ok: this.#steps.every(step => step.ok),
      durationMs: Math.round(this.#ctx.clock.monotonic() - this.#startedAt),
      steps: this.#steps,
    };
  }

  async cleanUp(): Promise<void> {
    await Promise.all(this.#processes.map(process => process.destroy()));
    await rm(this.#directory, { recursive: true, force: true, maxRetries: 5 });
  }

  async #startRunner(envFile: string): Promise<DemoProcess> {
    const { process } = await this.#step('semilayer run --env-file runner.env', async () => {
      const started = this.#spawn(['run', '--env-file', envFile]);
      await started.line(/connected, awaiting jobs/);
      return { process: started, said: 'connected, awaiting jobs' };
    });
    return process;
  }

  async #query(): Promise<void> {
    const where = '{"status":"shipped","total":{"$gte":500}}';
    await this.#step(`semilayer query ${SOURCE} orders --where '${where}' --limit 3`, async () => {
      const { stdout } = await this.#semilayer([
        'query',
        SOURCE,
        'orders',
        '--where',
        where,
        '--limit',
        '3',
        '--ndjson',
      ]);
      const rows = stdout.split('\n').filter(line => line !== '');
      expect(rows.length === 3, `${rows.length} rows came back, not 3`);
      for (const row of rows) {
        const { status } = JSON.parse(row) as { status: string };
        expect(status === 'shipped', 'a row came back that the filter excludes');
      }
      return { said: `${rows.length} rows:`, detail: rows };
    });
  }

  async #step<T extends { said?: string; detail?: string[] }>(
    typed: string,
    act: () => Promise<T>,
  ): Promise<T> {
    const { clock, output } = this.#ctx;
    const progress = output.progress(typed);
    const started = clock.monotonic();
    try {
      const result = await this.#within(typed, act());
      progress.stop();
      const durationMs = Math.round(clock.monotonic() - started);
      const { said, detail = [] } = result;
      this.#steps.push({
        command: typed,
        ok: true,
        durationMs,
        result: said ?? null,
        rows: detail.map(line => JSON.parse(line) as unknown),
      });
      if (output.json) return result;
      output.data(`✓ ${typed}  (${durationMs} ms)`);
      if (said !== undefined) output.data(`    ${said}`);
      for (const line of detail) output.data(`    ${sanitise(line)}`);
      return result;
    } catch (error) {
      progress.stop();
      const durationMs = Math.round(clock.monotonic() - started);
      this.#steps.push({ command: typed, ok: false, durationMs, result: null, rows: [] });
      if (!output.json) output.data(`✗ ${typed}`);
      const cause = error instanceof Error ? error.message : String(error);
      throw new AppError('demo_failed', {
        message: `this step failed: ${typed}\n${sanitise(cause)}`,
        cause: error,
      });
    }
  }

  async #within<T>(what: string, work: Promise<T>): Promise<T> {
    const over = new AbortController();
    const late = this.#ctx.clock.sleep(STEP_TIMEOUT_MS, over.signal).then(() => {
      if (over.signal.aborted) return new Promise<never>(() => {});
      throw new AppError('demo_failed', { message: `waited ${STEP_TIMEOUT_MS / 1000} s for ${what}` });
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      over.abort();
    }
  }

  #spawn(args: string[]): DemoProcess {
    const started = new DemoProcess([...this.#ctx.self, ...args], this.#environment(), this.#directory);
    this.#processes.push(started);
    return started;
  }

  async #semilayer(args: string[], stdin = ''): Promise<Finished> {
    await mkdir(join(this.#directory, 'config'), { recursive: true });
    return await finish(this.#spawn(args), stdin);
  }

  /** Nothing of the caller's own set-up reaches the demo, and nothing of the demo's remains in it. */
  #environment(): NodeJS.ProcessEnv {
    const env = Object.fromEntries(
      Object.entries(this.#ctx.env).filter(
        ([name]) => !/^(SEMILAYER_|PORT$|FORCE_COLOR$|https?_proxy$)/i.test(name),
      ),
    );
    return { ...env, SEMILAYER_CONFIG_DIR: join(this.#directory, 'config'), NO_COLOR: '1' };
  }
}

function expect(holds: boolean, otherwise: string): void {
  if (!holds) throw new AppError('demo_failed', { message: otherwise });
}
