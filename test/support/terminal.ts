/** The built program in a real pseudo-terminal, with a terminal emulator that knows what a person would see. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { temporaryDirectory } from './temporary.ts';

const BIN = fileURLToPath(new URL('../../bin/semilayer.js', import.meta.url));

export const KEYS = {
  enter: '\r',
  down: '\u001b[B',
  space: ' ',
  ctrlC: '\u0003',
  ctrlD: '\u0004',
  tab: '\t',
};

export interface TerminalOptions {
  columns?: number;
  rows?: number;
  env?: Record<string, string>;
  cwd?: string;
  /** The program to start in place of the built one. */
  bin?: string;
}

/** One command in a terminal of its own. */
export class Terminal {
  readonly #pty: IPty;
  readonly #screen: xterm.Terminal;
  /** Everything that came, escape sequences and all. */
  raw = '';
  readonly ended: Promise<number>;
  #changed: () => void = () => {};

  constructor(args: readonly string[], options: Required<Omit<TerminalOptions, 'bin'>> & { bin: string }) {
    const { columns, rows, env, cwd, bin } = options;
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true, scrollback: 1_000 });
    this.#pty = spawn(process.execPath, ['--', bin, ...args], { cols: columns, rows, cwd, env });
    this.#pty.onData(data => {
      this.raw += data;
      this.#screen.write(data, () => this.#changed());
    });
    this.ended = new Promise(resolve => {
      this.#pty.onExit(({ exitCode, signal }) => {
        resolve(signal ? 128 + signal : exitCode);
        setImmediate(() => this.#changed());
      });
    });
  }

  get pid(): number {
    return this.#pty.pid;
  }

  type(keys: string): void {
    this.#pty.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    this.#pty.resize(columns, rows);
  }

  kill(signal: string): void {
    this.#pty.kill(signal);
  }

  /** What is on the screen and above it, without the empty lines below and the spaces at the ends of lines. */
  screen(): string {
    const { active } = this.#screen.buffer;
    const lines: string[] = [];
    for (let row = 0; row < active.length; row++) {
      lines.push(active.getLine(row)?.translateToString(true) ?? '');
    }
    return lines.join('\n').trimEnd();
  }

  /** The emulator, for what shows in colours. */
  get emulator(): xterm.Terminal {
    return this.#screen;
  }

  /** Resolves when the screen shows it; rejects when the program ends without. */
  async sees(pattern: RegExp): Promise<void> {
    let over = false;
    void this.ended.then(() => {
      over = true;
    });
    for (;;) {
      if (pattern.test(this.screen())) return;
      if (over) throw new Error(`${pattern} was never shown:\n${this.screen()}`);
      await new Promise<void>(resolve => {
        this.#changed = resolve;
      });
    }
  }

  /** The exit status, once everything has been shown. */
  async end(): Promise<number> {
    const status = await this.ended;
    await new Promise<void>(resolve => this.#screen.write('', resolve));
    return status;
  }
}

/** @returns a way to start commands in terminals that share a directory and settings. */
export async function openTerminals(
  t: TestContext,
  shared: TerminalOptions = {},
): Promise<{ cwd: string; start(args: readonly string[], options?: TerminalOptions): Terminal }> {
  const cwd = shared.cwd ?? (await temporaryDirectory(t));
  await mkdir(join(cwd, 'config'), { recursive: true });
  const base = {
    PATH: process.env.PATH ?? '',
    HOME: cwd,
    TERM: 'xterm-256color',
    LANG: 'C.UTF-8',
    SEMILAYER_CONFIG_DIR: join(cwd, 'config'),
    SEMILAYER_NO_UPDATE_CHECK: '1',
  };
  return {
    cwd,
    start(args, options = {}) {
      const terminal = new Terminal(args, {
        columns: options.columns ?? shared.columns ?? 100,
        rows: options.rows ?? shared.rows ?? 30,
        cwd,
        bin: options.bin ?? shared.bin ?? BIN,
        env: { ...base, ...shared.env, ...options.env },
      });
      t.after(() => {
        try {
          terminal.kill('SIGKILL');
        } catch {
          // It has ended.
        }
      });
      return terminal;
    },
  };
}
