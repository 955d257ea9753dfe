/** The catalogue of faults says nothing that is not so: its tests are there, its mutations apply, its page is current. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RELIABILITY_DOCS, reliabilityDocs } from '../../scripts/reliability-docs.ts';
import { CATALOGUE } from './catalogue/index.ts';

const faults = CATALOGUE.flatMap(([, of]) => of);
const read = (file: string): Promise<string> =>
  readFile(fileURLToPath(new URL(`../../${file}`, import.meta.url)), 'utf8');

test('docs/reliability.md is what the catalogue says', async () => {
  const isCurrent = (await readFile(RELIABILITY_DOCS, 'utf8')) === reliabilityDocs();
  assert.ok(isCurrent, 'npm run docs:reliability');
});

test('every fault has a test of that name', async () => {
  for (const { fault, test: named } of faults) {
    const titles = titlesOf(await read(named.file));
    assert.ok(
      titles.some(title => title.test(named.name)),
      `${fault}: ${named.file} has no test "${named.name}"`,
    );
  }
});

test('every defence can still be taken out: what a mutation replaces occurs once', async () => {
  for (const { fault, mutation } of faults) {
    for (const { file, from } of mutation.edits)
      assert.equal((await read(file)).split(from).length, 2, `${fault}: ${file} and ${from}`);
  }
});

/** The names of the tests in a file, with anything at all where the source has a value put in. */
function titlesOf(source: string): RegExp[] {
  const found = source.matchAll(/\btest\(\s*(?:'((?:[^'\\]|\\.)*)'|`([^`]*)`)/g);
  return [...found].map(([, plain, template]) => {
    const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
    const parts =
      plain === undefined ? template!.split(/\$\{(?:[^{}]|\{[^}]*\})*\}/) : [plain.replace(/\\(.)/g, '$1')];
    return new RegExp(`^${parts.map(literal).join('.*')}$`);
  });
}
