/** Writes docs/reliability.md from the catalogue of faults: `npm run docs:reliability`. A test holds the file to it. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Fault } from '../test/faults/catalogue/fault.ts';
import { CATALOGUE } from '../test/faults/catalogue/index.ts';
import { fuzzes, MACHINE, soaks } from '../test/faults/catalogue/long-runs.ts';

export const RELIABILITY_DOCS = fileURLToPath(new URL('../docs/reliability.md', import.meta.url));

const INTRODUCTION = `# Reliability

<!-- Written by \`npm run docs:reliability\` from test/faults/catalogue; change the catalogue. -->

A caller that asks a question gets one stream of rows and one ending, whatever dies in between; memory stays flat; a lost
link heals by itself; a token that is dead is dead now. Below is each fault that a runner of this kind meets, what is
promised, the test that holds the product to it, and the defence whose absence was seen to turn that test red:
\`npm run mutations\` takes out each, in a copy, and fails where the test stays green (\`npm run mutations -- half-open\`
takes those of one fault).

The tests run real processes, sockets and databases; time that would be waited for is a clock that the test turns.`;

const LONG_RUNS = `## Long runs

Two commands do for as long as they are told to what the tests do for seconds. \`npm run soak -- --minutes 20\` has callers
ask for rows, and records change, while processes of runners and the gateway itself are killed with -9, stopped with
SIGSTOP and cut off at random, many at points of a job’s life. Every answer is checked: rows that are in the database, in
order, of one attempt; one ending, which may be missing only where the gateway died; every record that was acknowledged.
\`npm run fuzz -- --frames 10000000 --side gateway\` sends a real gateway, or a real runner, that many messages that no
peer should send; each must have the close that the protocol says, those beside must be answered, and the heap may not
grow. Below are runs that ended, on a machine of ${MACHINE}, with other work on it.`;

/** The whole page. */
export function reliabilityDocs(): string {
  const kinds = CATALOGUE.map(([kind, faults]) => `## ${kind}\n\n${faultsTable(faults)}`);
  return `${[INTRODUCTION, ...kinds, LONG_RUNS, soaksTable(), fuzzesTable()].join('\n\n')}\n`;
}

function faultsTable(faults: readonly Fault[]): string {
  return table([
    ['fault', 'promise', 'test', 'red when'],
    ...faults.map(({ fault, promise, test, mutation }) => [fault, promise, linkTo(test), mutation.says]),
  ]);
}

function soaksTable(): string {
  const all = (key: keyof (typeof soaks)[number]): number => soaks.reduce((sum, run) => sum + run[key], 0);
  const sum = {
    minutes: all('minutes'),
    gatewayKills: all('gatewayKills'),
    runnerKills: all('runnerKills'),
    stopped: all('stopped'),
    linksCut: all('linksCut'),
    questions: all('questions'),
    complete: all('complete'),
    failed: all('failed'),
    cut: all('cut'),
    changes: all('changes'),
  };
  return table([
    [
      ...['soak', 'gateway kills', 'runner kills', 'stopped', 'links cut', 'questions', 'answered whole'],
      ...['told that not', 'cut with their gateway', 'changes kept', 'histories at fault'],
    ],
    ...[...soaks, sum].map((run, at) => [
      `${at < soaks.length ? '' : 'together '}${run.minutes} min`,
      ...[run.gatewayKills, run.runnerKills, run.stopped, run.linksCut, run.questions].map(grouped),
      ...[run.complete, run.failed, run.cut, run.changes].map(grouped),
      'none',
    ]),
  ]);
}

function fuzzesTable(): string {
  return table([
    ['fuzz', 'messages', 'questions beside', 'heap after', 'crashes, wrong closes, others hurt'],
    ...fuzzes.map(({ side, messages, questions, heapMib }) => [
      `at a ${side}`,
      grouped(messages),
      grouped(questions),
      `${heapMib} MiB more`,
      'none',
    ]),
  ]);
}

function grouped(value: number): string {
  return value.toLocaleString('en-US');
}

/** In columns of their width, as the formatter of the repository's pages has them. */
function table(texts: readonly string[][]): string {
  const rows = texts.map(cells => cells.map(cell => cell.replaceAll('|', '\\|')));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(cells => cells[column]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  const rule = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

function linkTo({ file, name }: Fault['test']): string {
  return `[${name.replace(/[[\]]/g, '\\$&')}](../${file})`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(RELIABILITY_DOCS, reliabilityDocs());
