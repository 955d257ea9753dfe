/**
 * Writes docs/benchmarks.md and its pictures from the results in bench/results: `npm run docs:benchmarks`. A test holds
 * the page to them.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CATALOGUE, type Entry, type Plot } from '../bench/catalogue.ts';
import { barsOf, lineOf } from '../bench/plot.ts';
import { type Result, seriesTable, settingsLine, targetsTable, versionsLine } from '../bench/result.ts';

const RESULTS = fileURLToPath(new URL('../bench/results/', import.meta.url));
export const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const PAGE = 'benchmarks.md';
const PICTURES = 'benchmarks';

const INTRODUCTION = `# Benchmarks

<!-- Written by \`npm run docs:benchmarks\` from bench/results; measure with \`npm run bench\`. -->

Every benchmark measures its floor or its peers in the same run, in turns, so that a noisy machine disturbs all of them;
each fails where the work done was not the same. Read the ratios: the times are those of the machine that is named.
Figures are medians, beside them the least and the most. \`npm run bench\` measures all of it and keeps the results,
\`npm run bench -- --only dispatch\` one, \`--short\` a form that is over in seconds and good for comparing alone;
\`npm run bench -- --compare main\` measures another commit in turns with this one and fails where this one is a quarter
slower. What a benchmark takes from the command line is in its settings. What the time goes on is in
[performance](performance.md).`;

/** Every file of the page by its path below docs/. */
export async function benchmarksDocs(): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const sections = [INTRODUCTION];
  for (const entry of CATALOGUE) {
    const file = join(RESULTS, `${entry.name}.json`);
    if (!existsSync(file)) continue;
    const result: Result = JSON.parse(await readFile(file, 'utf8'));
    const pictures = entry.plots.flatMap((plot, at) => {
      const drawn = draw(result, plot);
      if (drawn === undefined) return [];
      const path = `${PICTURES}/${entry.name}${at === 0 ? '' : `-${at + 1}`}.svg`;
      files.set(path, drawn);
      return [`![${plot.title}](${path})`];
    });
    sections.push(section(entry, result, pictures));
  }
  return files.set(PAGE, `${sections.join('\n\n')}\n`);
}

function section({ name, title, says }: Entry, result: Result, pictures: string[]): string {
  const { machine, versions, settings, series, targets, notMeasured } = result;
  const short = settings.short ? ['Taken with the short form: good for comparing, not for quoting.'] : [];
  return [
    `## ${title}: \`npm run bench:${name}\``,
    says,
    ...short,
    ...notMeasured.map(why => `Not measured: ${why}.`),
    ...pictures,
    ...series.map(one => [seriesTable(one), ...(one.note ? [one.note] : [])].join('\n\n')),
    ...(targets.length > 0 ? [targetsTable(targets)] : []),
    [machine, versionsLine(versions), settingsLine(settings)].filter(part => part !== '').join('; '),
  ].join('\n\n');
}

function draw(result: Result, { kind, series, column, title }: Plot): string | undefined {
  const drawn = result.series.filter(({ name }) => series === undefined || name === series);
  if (drawn.length === 0) return undefined;
  return kind === 'line' ? lineOf(title, column, drawn[0]!) : barsOf(title, column, drawn);
}

async function write(): Promise<void> {
  const files = await benchmarksDocs();
  await mkdir(join(DOCS, PICTURES), { recursive: true });
  for (const stale of await readdir(join(DOCS, PICTURES))) {
    if (!files.has(`${PICTURES}/${stale}`)) await rm(join(DOCS, PICTURES, stale));
  }
  for (const [path, text] of files) await writeFile(join(DOCS, path), text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await write();
