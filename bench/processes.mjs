/** The processes of a benchmark: programs that are read line by line, and workers that are asked over IPC. */
import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from './program.mjs';

const SIGNALS = ['SIGINT', 'SIGTERM'];
const leave = () => process.exit(1);

export class Processes {
  #children = [];

  constructor() {
    // The signal alone would leave them, and a database server, behind.
    for (const signal of SIGNALS) process.once(signal, leave);
    process.once('exit', this.#kill);
  }

  /** A program whose output is waited for, line by line; one of Node if no other is named. */
  start(args, env = {}, command = process.execPath) {
    const child = this.#own(
      spawn(command, args, {
        env: childEnvironment(env),
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    const lines = [];
    const wake = [];
    const wakeAll = () => {
      for (const resolve of wake.splice(0)) resolve();
    };
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', line => {
        lines.push(line);
        wakeAll();
      });
    }
    child.once('exit', wakeAll);
    return {
      pid: child.pid,
      /** What the pattern captured in the first line that it matches, one already written included. */
      async line(pattern) {
        for (let at = 0; ; at++) {
          while (at >= lines.length) {
            if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended: ${lines.join('\n')}`);
            await new Promise(resolve => wake.push(resolve));
          }
          const match = pattern.exec(lines[at]);
          if (match) return match[1];
        }
      },
      /** Ends it with a signal it may answer, and waits. */
      async end(signal = 'SIGTERM') {
        if (child.exitCode !== null) return;
        child.kill(signal);
        await once(child, 'exit');
      },
    };
  }

  /** A worker that stays, so that its code is as warm in a later round as ours; secrets go in `env`, `typed` is for those that import TypeScript. */
  worker(script, args, env = {}, { typed = false } = {}) {
    const child = this.#own(
      fork(fileURLToPath(new URL(script, import.meta.url)), args, {
        env: childEnvironment(env),
        // Loading it takes memory that would be laid to the account of what is measured.
        execArgv: typed ? ['--import', 'tsx'] : [],
      }),
    );
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${script} ${args.join(' ')} ended with ${code}`);
    });
    ended.catch(() => {});
    // A question sent before anybody listens would be lost.
    const ready = Promise.race([once(child, 'message'), ended]);
    ready.catch(() => {});
    return {
      pid: child.pid,
      /** @throws what the worker's work threw. */
      async ask(question) {
        await ready;
        const answered = once(child, 'message');
        child.send(question);
        const [{ result, error }] = await Promise.race([answered, ended]);
        if (error !== undefined) throw new Error(`${script}: ${error}`);
        return result;
      },
      async end() {
        child.kill('SIGKILL');
        await ended.catch(() => {});
      },
    };
  }

  async stop() {
    const gone = this.#children
      .filter(child => child.exitCode === null && child.signalCode === null)
      .map(child => once(child, 'exit'));
    this.#kill();
    await Promise.all(gone);
    for (const signal of SIGNALS) process.off(signal, leave);
    process.off('exit', this.#kill);
  }

  #own(child) {
    this.#children.push(child);
    return child;
  }

  #kill = () => {
    for (const child of this.#children) child.kill('SIGKILL');
  };
}

/** The worker's side: answers each question with what the work returns. */
export function answerQuestions(work) {
  process.on('message', async question => {
    try {
      process.send({ result: await work(question) });
    } catch (error) {
      process.send({ error: error.stack });
    }
  });
  process.send('ready');
}
