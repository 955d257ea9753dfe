/** Writes THIRD_PARTY_NOTICES: the licence of every package that ours brings along, installed or bundled. */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from './build.mjs';
import { bundledPackages } from './console.mjs';
import { runtimePackages } from './dependencies.mjs';

const FILE = join(ROOT, 'THIRD_PARTY_NOTICES');
const RULE = `\n${'-'.repeat(80)}\n\n`;

export async function notices() {
  const sections = new Map();
  const bundled = (await bundledPackages(ROOT)).map(name => [`node_modules/${name}`, {}]);
  for (const [path, entry] of [...(await runtimePackages()), ...bundled]) {
    // One build for each platform: the package that chooses among them speaks for all.
    if (entry.optional) continue;
    const directory = join(ROOT, path);
    const { name, version, license, author, homepage } = JSON.parse(
      await readFile(join(directory, 'package.json'), 'utf8'),
    );
    const by = typeof author === 'string' ? author : author?.name;
    const head = [`${name} ${version}`, `Licence: ${license}`, by && `Author: ${by}`, homepage].filter(
      Boolean,
    );
    sections.set(`${name}@${version}`, `${head.join('\n')}\n\n${await licenceText(directory)}\n`);
  }
  const texts = [...sections].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
  return `Licences of the packages that semilayer depends on.\n${RULE}${texts.join(RULE)}`;
}

/** @returns whether the file says what it should. */
export async function noticesAreCurrent() {
  const written = await readFile(FILE, 'utf8').catch(() => '');
  return written === (await notices());
}

async function licenceText(directory) {
  const names = (await readdir(directory)).filter(name => /^(licen[cs]e|copying)/i.test(name)).sort();
  const texts = await Promise.all(names.map(name => readFile(join(directory, name), 'utf8')));
  return texts.length === 0
    ? '(The package holds no text of its licence.)'
    : texts.map(text => text.trim()).join('\n\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(FILE, await notices());
