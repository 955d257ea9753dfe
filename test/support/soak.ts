/** Everything at once: callers, changing records, and runners and gateways that are killed, stopped and cut off at random. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { writeSampleDatabase } from '../../src/bridges/sample-data.ts';
import type { DemoProcess } from '../../src/commands/demo-process.ts';
import { fingerprintOf } from '../../src/protocol/token.ts';
import { askRows, checkHistory, type Seen } from './history.ts';
import { openProgram, type Program } from './program.ts';
import { RecordChurn } from './record-churn.ts';
import { fromSeed, type Seeded } from './seeded.ts';
import { SoakRunners } from './soak-runners.ts';

const KEY = `sk_${'s'.repeat(40)}`;
const ROWS = 2_000;
const CALLERS = 8;
const CHURNERS = 2;
/** A job has 30 s; whoever has no ending a good while later has been forgotten. */
const FORGOTTEN_MS = 60_000;
/** How long a gateway lives at most, in pauses between two misfortunes. */
const GATEWAY_LIFE = 8;
/** Answers between two misfortunes, at most. */
const ANSWERS_BETWEEN = 8;
/** Where nobody is left to answer, the next misfortune comes all the same. */
const ANSWER_PATIENCE_MS = 3_000;

export interface SoakOptions {
  seed: number;
  durationMs: number;
  /** Processes, of so many runners each. */
  processes: number;
  runnersEach: number;
  /** Longest pause between two misfortunes, in milliseconds. */
  pauseMs: number;
  onProgress?: (counts: Counts) => void;
}

export interface Counts {
  questions: number;
  complete: number;
  /** Told that the answer is not complete, or that there is none. */
  failed: number;
  /** Lost with their gateway. */
  cut: number;
  gatewaysKilled: number;
  processesKilled: number;
  /** Runners in those processes. */
  runnersKilled: number;
  processesStopped: number;
  linksCut: number;
  /** Changes of records that were acknowledged. */
  changes: number;
}

/**
 * @returns what was done, every history checked.
 * @throws AssertionError for a history that cannot be, a record that was lost, a process that ended by itself.
 */
export async function soak(t: Pick<TestContext, 'after'>, options: SoakOptions): Promise<Counts> {
  const run = new Soak(await openProgram(t), t, options);
  return await run.play();
}

class Soak {
  readonly #program: Program;
  readonly #t: Pick<TestContext, 'after'>;
  readonly #options: SoakOptions;
  readonly #random: Seeded;
  readonly #churn: RecordChurn;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #counts: Counts = {
    questions: 0,
    complete: 0,
    failed: 0,
    cut: 0,
    gatewaysKilled: 0,
    processesKilled: 0,
    runnersKilled: 0,
    processesStopped: 0,
    linksCut: 0,
    changes: 0,
  };
  #gateway!: DemoProcess;
  #url = '';
  /** Counts the gateways: an answer may be cut where it began under another than it ended under. */
  #epoch = 0;
  #up: Promise<void> = Promise.resolve();
  #over = false;

  constructor(program: Program, t: Pick<TestContext, 'after'>, options: SoakOptions) {
    this.#program = program;
    this.#t = t;
    this.#options = options;
    this.#random = fromSeed(options.seed);
    this.#churn = new RecordChurn(fromSeed(options.seed + 1));
  }

  async play(): Promise<Counts> {
    await this.#startGateway('0');
    const runners = await this.#prepare();
    await this.#churn.prepare({ url: this.#url, key: KEY });
    const work = [
      ...Array.from({ length: CALLERS }, (_, at) => this.#caller(fromSeed(this.#options.seed + 10 + at))),
      ...Array.from({ length: CHURNERS }, () => this.#churner()),
    ];
    // Whichever fails first ends it all; the others see that it is over.
    await Promise.all([...work, this.#misfortunes(runners), this.#gatewayKills()]).catch(error => {
      this.#over = true;
      throw error;
    });
    await runners.settle();
    const last = await this.#ask({ source: 'real', target: 'orders' });
    assert.equal(last.ending, 'complete', 'all is well in the end');
    await this.#churn.verify({ url: this.#url, key: KEY }, fingerprintOf);
    this.#agent.destroy();
    return this.#counted();
  }

  async #prepare(): Promise<SoakRunners> {
    const { processes, runnersEach } = this.#options;
    const file = join(this.#program.cwd, 'shop.db');
    await writeSampleDatabase(file, { rows: ROWS });
    await this.#send('POST', '/v1/sources', {
      name: 'real',
      bridge: 'sqlite',
      config: { url: `file:${file}` },
    });
    await this.#send('POST', '/v1/sources', {
      name: 'made',
      bridge: 'scripted',
      config: { url: 'scripted:' },
    });
    const tokens: { runnerId: string; authToken: string }[] = [];
    for (let n = 0; n < processes * runnersEach; n++) {
      const runnerId = `edge-${n}`;
      const { token } = await this.#send('POST', '/v1/runners', { name: runnerId });
      await this.#send('POST', `/v1/runners/${runnerId}/sources`, { sources: ['real', 'made'] });
      tokens.push({ runnerId, authToken: token });
    }
    const runners = new SoakRunners(
      this.#t,
      fromSeed(this.#options.seed + 2),
      Number(new URL(this.#url).port),
    );
    for (let n = 0; n < processes; n++)
      await runners.add(tokens.slice(n * runnersEach, (n + 1) * runnersEach));
    return runners;
  }

  async #caller(random: Seeded): Promise<void> {
    while (!this.#over) {
      await this.#up;
      const source = random.pick(['real', 'made']);
      const limit = random.pick([1, 50, 500, ROWS]);
      const seen = await this.#ask({ source, target: source === 'real' ? 'orders' : 'rows', limit });
      const { ending, code } = seen;
      this.#counts.questions++;
      this.#counts[ending]++;
      // While there is nobody to ask, asking at once again would only warm the machine.
      if (code === 'no_runners_online' || ending === 'cut') await pause(100);
    }
  }

  async #ask(question: { source: string; target: string; limit?: number }): Promise<Seen> {
    const { limit = ROWS } = question;
    const epoch = this.#epoch;
    const seen = await Promise.race([
      askRows({ url: this.#url, key: KEY, agent: this.#agent }, { ...question, orderBy: ID, limit }),
      forgotten(question),
    ]);
    checkHistory(seen, {
      total: limit,
      codes: ['runner_failed', 'no_runners_online'],
      cut: epoch !== this.#epoch,
    });
    return seen;
  }

  async #churner(): Promise<void> {
    while (!this.#over) {
      await this.#up;
      const epoch = this.#epoch;
      await this.#churn.until({ url: this.#url, key: KEY }, () => this.#over || epoch !== this.#epoch);
    }
  }

  async #misfortunes(runners: SoakRunners): Promise<void> {
    const until = performance.now() + this.#options.durationMs;
    let told = performance.now();
    while (performance.now() < until && !this.#over) {
      await this.#answered(this.#random.below(ANSWERS_BETWEEN));
      await pause(this.#random.below(this.#options.pauseMs));
      await runners.misfortune();
      if (performance.now() - told > 10_000) {
        told = performance.now();
        this.#options.onProgress?.(this.#counted(runners));
      }
    }
    this.#over = true;
    this.#counted(runners);
  }

  async #gatewayKills(): Promise<void> {
    const random = fromSeed(this.#options.seed + 3);
    while (!this.#over) {
      await this.#answered(random.below(GATEWAY_LIFE * ANSWERS_BETWEEN));
      await pause(random.below(GATEWAY_LIFE * this.#options.pauseMs));
      await this.#killGateway();
    }
  }

  /** Resolves when so many more answers are complete: what kills is to find something under way. */
  async #answered(answers: number): Promise<void> {
    const enough = this.#counts.complete + answers;
    const until = performance.now() + ANSWER_PATIENCE_MS;
    while (!this.#over && this.#counts.complete < enough && performance.now() < until) await pause(5);
  }

  async #killGateway(): Promise<void> {
    if (this.#over) return;
    const killed = this.#gateway;
    const { port } = new URL(this.#url);
    let ready: () => void = () => {};
    this.#up = new Promise(resolve => {
      ready = resolve;
    });
    this.#epoch++;
    killed.kill('SIGKILL');
    await killed.ended;
    this.#counts.gatewaysKilled++;
    await this.#startGateway(port);
    await this.#churn.verify({ url: this.#url, key: KEY }, fingerprintOf);
    ready();
  }

  async #startGateway(port: string): Promise<void> {
    const gateway = this.#program.start(
      ['gateway', '--port', port, '--data-dir', 'data', '--allowed-host', '127.0.0.1'],
      { SEMILAYER_API_KEY: KEY },
    );
    const [, url = ''] = await gateway.line(/listening on (http:\S+)/);
    this.#gateway = gateway;
    this.#url = url;
    const epoch = this.#epoch;
    void gateway.ended.then(({ status }) => {
      // One that we killed has another after it, or is about to.
      if (!this.#over && epoch === this.#epoch) {
        this.#over = true;
        throw new Error(`the gateway ended by itself with ${status}: ${gateway.stderr}`);
      }
    });
  }

  async #send(method: string, path: string, body: unknown): Promise<{ token: string }> {
    const response = await fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status}`);
    return (await response.json()) as { token: string };
  }

  #counted(runners?: SoakRunners): Counts {
    if (runners) Object.assign(this.#counts, runners.counts);
    this.#counts.changes = this.#churn.acknowledged;
    return this.#counts;
  }
}

const ID = [{ field: 'id', dir: 'asc' }];

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms));
}

function forgotten(question: unknown): Promise<never> {
  return new Promise((_, reject) => {
    setTimeout(
      () => reject(new assert.AssertionError({ message: `no ending: ${JSON.stringify(question)}` })),
      FORGOTTEN_MS,
    ).unref();
  });
}
