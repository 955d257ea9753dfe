/** Takes docs/screenshots/ of the real program in a terminal: `npm run docs:terminal`. Needs Chromium (CHROMIUM). */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { IBufferCell } from '@xterm/headless';
import { writeSampleDatabase } from '../src/bridges/sample-data.ts';
import { Terminal } from '../test/support/terminal.ts';

const OUT = fileURLToPath(new URL('../docs/screenshots', import.meta.url));
const BIN = fileURLToPath(new URL('../bin/semilayer.js', import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? 'chromium';
const COLUMNS = 104;
const exec = promisify(execFile);

const COLOURS = ['#1c2128', '#ff7b72', '#7ee787', '#e3b341', '#79c0ff', '#d2a8ff', '#76e3ea', '#c9d1d9'];
const BRIGHT = ['#8b949e', '#ffa198', '#aff5b4', '#f2cc60', '#a5d6ff', '#e2c5ff', '#b3f0ff', '#ffffff'];
/** Of the prompt line and the text. */
const LINE_PIXELS = 20;

const home = await mkdtemp(join(tmpdir(), 'semilayer-screens-'));
const open: Terminal[] = [];
try {
  await mkdir(join(home, 'config'), { mode: 0o700 });
  await mkdir(OUT, { recursive: true });
  await writeSampleDatabase(join(home, 'shop.db'), { rows: 400 });
  const gateway = start(['gateway', '--port', '0', '--data-dir', 'data']);
  await gateway.sees(/listening on http/);
  const [, key = ''] = /SEMILAYER_API_KEY=(\S+)/.exec(gateway.screen()) ?? [];
  const [, url = ''] = /listening on (\S+)/.exec(gateway.screen()) ?? [];
  const login = start(['login', '--service-url', url, '--context', 'production']);
  await login.sees(/API key for/);
  login.type(`${key}\r`);
  await login.end();

  await shoot('create', ['runners', 'create', 'edge-1', '--env-file', 'edge-1.env']);
  await quietly(['runners', 'create', 'edge-2', '--env-file', 'edge-2.env']);
  await quietly(['sources', 'add', 'shop', '--bridge', 'sqlite', '--url', 'shop.db']);
  await quietly(['runners', 'assign', 'edge-1', 'shop']);
  const run = ['run', '--env-file', 'edge-1.env'];
  const runner = start(run);
  await runner.sees(/connected, awaiting jobs/);
  await shoot('query', ['query', 'shop', 'orders', '--order-by', 'total:desc', '--limit', '6']);
  await runner.sees(/done: 6 rows/);
  await picture('run', run, runner);
  await shoot('list', ['runners', 'list']);
  await shoot('error', ['query', 'shop', 'ordrs']);
  await shoot('doctor', ['doctor', '--env-file', 'edge-1.env', '--idle', '2s']);
} finally {
  for (const terminal of open.reverse()) terminal.kill('SIGKILL');
  await rm(home, { recursive: true, force: true, maxRetries: 5 });
}

function start(args: readonly string[]): Terminal {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: home,
    TERM: 'xterm-256color',
    SEMILAYER_CONFIG_DIR: join(home, 'config'),
    SEMILAYER_NO_UPDATE_CHECK: '1',
  };
  const terminal = new Terminal(args, { columns: COLUMNS, rows: 24, cwd: home, env, bin: BIN });
  open.push(terminal);
  return terminal;
}

async function quietly(args: readonly string[]): Promise<void> {
  const terminal = start(args);
  const status = await terminal.end();
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}:\n${terminal.screen()}`);
}

async function shoot(name: string, args: readonly string[]): Promise<void> {
  const terminal = start(args);
  await terminal.end();
  await picture(name, args, terminal);
}

async function picture(name: string, args: readonly string[], terminal: Terminal): Promise<void> {
  const lines = [
    `<b style="color:${BRIGHT[2]}">$</b> semilayer ${html(args.join(' '))}`,
    ...linesOf(terminal),
  ];
  const page = `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; padding: 16px 20px; background: #0d1117; color: #c9d1d9; }
    pre { margin: 0; font: 14px/${LINE_PIXELS}px "DejaVu Sans Mono", Menlo, Consolas, monospace; }
  </style><pre>${lines.join('\n')}</pre>`;
  const file = join(home, `${name}.html`);
  await writeFile(file, page);
  const height = lines.length * LINE_PIXELS + 32;
  await exec(CHROMIUM, [
    ...[
      '--headless=new',
      '--no-sandbox',
      '--hide-scrollbars',
      '--disable-gpu',
      '--force-device-scale-factor=1',
    ],
    ...[`--window-size=930,${height}`, `--screenshot=${join(OUT, `${name}.png`)}`, `file://${file}`],
  ]);
}

/** What the emulator shows, as HTML with its colours. */
function linesOf(terminal: Terminal): string[] {
  const { active } = terminal.emulator.buffer;
  const last = terminal.screen().split('\n').length;
  return Array.from({ length: last }, (_, row) => {
    const line = active.getLine(row);
    let shown = '';
    for (let column = 0; line && column < line.length; column++) {
      const cell = line.getCell(column);
      if (cell && cell.getWidth() > 0) shown += styled(cell);
    }
    return shown.trimEnd();
  });
}

function styled(cell: IBufferCell): string {
  const text = html(cell.getChars() || ' ');
  const colour = cell.isFgPalette() ? [...COLOURS, ...BRIGHT][cell.getFgColor()] : undefined;
  const style = [
    colour && `color:${colour}`,
    cell.isBold() && 'font-weight:bold',
    cell.isDim() && 'opacity:.6',
  ].filter(Boolean);
  return style.length === 0 ? text : `<span style="${style.join(';')}">${text}</span>`;
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
