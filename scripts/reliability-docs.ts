/** Writes docs/reliability.md from the catalogue of faults: `npm run docs:reliability`. A test holds the file to it. */
import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Fault } from '../test/faults/catalogue/fault.ts';
import { CATALOGUE } from '../test/faults/catalogue/index.ts';

export const RELIABILITY_DOCS = fileURLToPath(new URL('../docs/reliability.md', import.meta.url));

const INTRODUCTION = `# Reliability

<!-- Written by \`npm run docs:reliability\` from test/faults/catalogue; change the catalogue. -->

A caller that asks a question gets one stream of rows and one ending, whatever dies in between; memory stays flat; a lost
link heals by itself; a token that is dead is dead now. Below is each fault that a runner of this kind meets, what is
promised, the test that holds the product to it, and the defence whose absence was seen to turn that test red:
\`npm run mutations\` takes out each, in a copy, and fails where the test stays green (\`npm run mutations -- half-open\`
takes those of one fault).

The tests run real processes, sockets and databases; time that would be waited for is a clock that the test turns.`;

/** The whole page. */
export function reliabilityDocs(): string {
  return `${[INTRODUCTION, ...CATALOGUE.map(([kind, faults]) => `## ${kind}\n\n${table(faults)}`)].join('\n\n')}\n`;
}

/** In columns of their width, as the formatter of the repository's pages has them. */
function table(faults: readonly Fault[]): string {
  const rows = [
    ['fault', 'promise', 'test', 'red when'],
    ...faults.map(({ fault, promise, test, mutation }) => [fault, promise, linkTo(test), mutation.says]),
  ].map(cells => cells.map(cell => cell.replaceAll('|', '\\|')));
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(cells => cells[column]!.length)));
  const line = (cells: string[]) => `| ${cells.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  const rule = `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}

function linkTo({ file, name }: Fault['test']): string {
  return `[${name.replace(/[[\]]/g, '\\$&')}](../${file})`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(RELIABILITY_DOCS, reliabilityDocs());
