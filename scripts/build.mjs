/** Builds dist/: the bundles that are run, and the types that programs compile against. */
import { spawn } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { bundleConsole } from './console.mjs';
import { bundleProgram } from './program.mjs';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
const DIST = join(ROOT, 'dist');
const STAMP = join(DIST, '.stamp.json');
/** The packages whose code is in the bundle, for their licences and what we ask of them. */
const BUNDLED = join(DIST, '.bundled.json');
/** Runs at build time alone: what it says is shipped, it is not. */
const HELP_ENTRY = 'src/cli/help-command.ts';
/** What programs import, and what Node starts as it is. */
const ENTRIES = {
  runner: 'src/runner/index.ts',
  index: 'src/index.ts',
  'bridge-conformance': 'src/bridges/conformance/index.ts',
  'sqlite-reader': 'src/bridges/sqlite/reader/main.ts',
};
/** A program that was started before a rebuild may still load its own chunks lazily: they stay for this long. */
const STALE_CHUNK_MS = 60 * 60_000;

/** What the output depends on: a build whose stamp says the same need not be repeated. */
export async function sourceHash() {
  const hash = createHash('sha256');
  const inputs = [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.types.json',
    'scripts/build.mjs',
    'scripts/console.mjs',
    'scripts/program.mjs',
  ];
  for (const path of [...inputs, ...(await filesUnder('src'))]) {
    hash
      .update(`${path}\0`)
      .update(await readFile(join(ROOT, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Directories of the bundled packages, as of the last build. */
export async function bundledPackages() {
  return JSON.parse(await readFile(BUNDLED, 'utf8'));
}

/** What was last built, as the two hashes of the sources it was built from. */
export async function readStamp() {
  try {
    return JSON.parse(await readFile(STAMP, 'utf8'));
  } catch {
    return {};
  }
}

/**
 * Builds into a directory of its own and moves the files into dist/ one by one, entry points last. Chunks are named by
 * their content, so a build beside this one, or a program running from the build before, never meets half of it.
 */
export async function build({ types, clean }) {
  const hash = await sourceHash();
  const staging = join(ROOT, '.cache', `build-${randomUUID()}`);
  try {
    await Promise.all([
      bundle(staging),
      bundleConsole(ROOT, join(staging, 'console')),
      types ? emitTypes(join(staging, 'types')) : undefined,
    ]);
    await install(staging, { clean });
    const stamp = { code: hash, types: types ? hash : (await readStamp()).types };
    await writeFile(join(staging, 'stamp'), `${JSON.stringify(stamp)}\n`);
    await rename(join(staging, 'stamp'), STAMP);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

/** Costs a tenth of a millisecond a file: taken out again where nothing asks for it. */
const REQUIRE =
  "import{createRequire as $require}from'node:module';const require=$require(import.meta.url);\n";

async function bundle(staging) {
  const { build: esbuild } = await import('esbuild');
  const { version, dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const options = {
    absWorkingDir: ROOT,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    // What is installed beside us; every other package is taken into the bundle, and one file is read instead of fifty.
    external: Object.keys(dependencies).flatMap(name => [name, `${name}/*`]),
    metafile: true,
    charset: 'utf8',
    define: { __SEMILAYER_VERSION__: JSON.stringify(version) },
    logLevel: 'warning',
  };
  // CommonJS packages in an ES module ask for Node's own modules this way.
  const modules = { ...options, splitting: true, format: 'esm', banner: { js: REQUIRE } };
  const library = await esbuild({ ...modules, entryPoints: ENTRIES, outdir: join(staging, 'code') });
  await withoutNeedlessBanners(join(staging, 'code'));
  const program = await bundleProgram(options, join(staging, 'code'));
  await esbuild({
    ...modules,
    entryPoints: { help: HELP_ENTRY },
    outdir: join(staging, 'help'),
  });
  const { helpTexts } = await import(pathToFileURL(join(staging, 'help', 'help.js')).href);
  await writeFile(join(staging, 'help.json'), JSON.stringify(helpTexts(version)));
  await writeFile(join(staging, 'bundled'), `${JSON.stringify(packagesIn(library.metafile, program))}\n`);
}

async function withoutNeedlessBanners(directory) {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter(one => one.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const text = await readFile(path, 'utf8');
    const rest = text.replace(REQUIRE, '');
    if (!/\brequire\b|__require/.test(rest)) await writeFile(path, rest);
  }
}

/** Directories of the packages whose code is in the bundle. */
function packagesIn(...metafiles) {
  const outputs = metafiles.flatMap(metafile => Object.values(metafile.outputs));
  const packages = outputs.flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
      const found = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path.replaceAll('\\', '/'));
      return found && bytesInOutput > 0 ? [found[0]] : [];
    }),
  );
  return [...new Set(packages)].sort();
}

async function emitTypes(outDir) {
  const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc');
  await run(process.execPath, [tsc, '-p', 'tsconfig.types.json', '--outDir', outDir]);
}

async function install(staging, { clean }) {
  const code = join(staging, 'code');
  const page = 'index.html';
  const assets = (await readdir(join(staging, 'console'))).filter(name => name !== page);
  await mkdir(join(code, 'chunks'), { recursive: true });
  const chunks = await readdir(join(code, 'chunks'));
  await moveAll(chunks, join(code, 'chunks'), join(DIST, 'chunks'));
  await moveAll(assets, join(staging, 'console'), join(DIST, 'console'));
  await moveAll([page], join(staging, 'console'), join(DIST, 'console'));
  const entries = [...Object.keys(ENTRIES).map(name => `${name}.js`), 'main.cjs'];
  await moveAll(entries, code, DIST);
  await rename(join(staging, 'help.json'), join(DIST, 'help.json'));
  await rename(join(staging, 'bundled'), BUNDLED);
  await replaceDirectory(join(staging, 'types'), join(DIST, 'types'), join(staging, 'old-types'));
  await removeStale(DIST, entries, clean);
  await removeStale(join(DIST, 'chunks'), chunks, clean);
  await removeStale(join(DIST, 'console'), [...assets, page], clean);
}

async function moveAll(names, from, to) {
  await mkdir(to, { recursive: true });
  for (const name of names) await rename(join(from, name), join(to, name));
}

/** Files of ours from an earlier build; directories, and what is written as one file for ever, stay. */
async function removeStale(directory, current, clean) {
  for (const name of await readdir(directory)) {
    if (current.includes(name) || !/\.(c?js|css|svg|html)$/.test(name)) continue;
    const path = join(directory, name);
    const changed = await stat(path).catch(() => undefined);
    if (changed && (clean || Date.now() - changed.mtimeMs > STALE_CHUNK_MS)) await rm(path, { force: true });
  }
}

/** Types are read by compilers, never by a running program: the instant in which they are missing hurts nobody. */
async function replaceDirectory(from, to, old) {
  if (!(await exists(from))) return;
  for (let attempt = 1; ; attempt++) {
    if (await exists(to)) await rename(to, `${old}-${attempt}`).catch(() => {});
    try {
      return await rename(from, to);
    } catch (error) {
      if (attempt === 10) throw error;
    }
  }
}

async function filesUnder(directory) {
  const entries = await readdir(join(ROOT, directory), { recursive: true, withFileTypes: true });
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(ROOT, join(entry.parentPath, entry.name)))
    .sort();
}

async function exists(path) {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function run(command, args) {
  const child = spawn(command, args, { cwd: ROOT, stdio: 'inherit' });
  const status = await new Promise((done, failed) => child.once('error', failed).once('exit', done));
  if (status !== 0) throw new Error(`${relative(ROOT, args[0])} ended with ${status}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const started = performance.now();
  const types = !process.argv.includes('--fast');
  await build({ types, clean: process.argv.includes('--clean') });
  const what = types ? 'dist' : 'dist, without types,';
  process.stderr.write(`built ${what} in ${Math.round(performance.now() - started)} ms\n`);
}
