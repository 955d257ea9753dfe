/**
 * Bundles the program as CommonJS. Node 20 takes 5 ms to start its ES module loader and one for each module, which a
 * person waits for; what programs import stays ES modules.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';

const ENTRY = 'src/main.ts';
/** Loaded as one file with the entry, with all that they load: the way of every command that asks the service. */
const WITH_ENTRY = [ENTRY, 'src/commands/runners-list.ts'];
const MAIN = 'main.cjs';
const FILE_URL = 'fileUrlOfThisModule';

/**
 * Writes main.cjs and chunks/*.cjs into `outdir`, out of ES modules that are split as esbuild splits them.
 *
 * @param options what esbuild is given for every bundle of ours.
 * @returns the metafile of the bundle.
 */
export async function bundleProgram(options, outdir) {
  const { build, transform } = await import('esbuild');
  const { metafile, outputFiles } = await build({
    ...options,
    entryPoints: { main: ENTRY },
    outdir,
    splitting: true,
    format: 'esm',
    define: { ...options.define, 'import.meta.url': FILE_URL },
    plugins: [withoutChildProcesses],
    write: false,
  });
  const texts = new Map(outputFiles.map(file => [file.path, file.text]));
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [resolve(options.absWorkingDir, path), output]),
  );
  const core = coreOf(outputs, options.absWorkingDir);
  const commonJs = { platform: options.platform, target: options.target };
  await mkdir(join(outdir, 'chunks'), { recursive: true });

  const linked = (code, from) => linkedTo(core, code, from, outdir);
  const main = await build({
    ...commonJs,
    bundle: true,
    format: 'cjs',
    write: false,
    // Read before every command: V8 takes longer over white space, and over a text that is not all ASCII. Names stay.
    minifyWhitespace: true,
    charset: 'ascii',
    stdin: { contents: reExports(core), resolveDir: outdir, loader: 'js' },
    plugins: [fromMemory(texts, core, outdir)],
    logLevel: options.logLevel,
  });
  await writeFile(join(outdir, MAIN), finished(linked(main.outputFiles[0].text, join(outdir, MAIN))));
  for (const [path, text] of texts) {
    if (core.has(path)) continue;
    // Named as a module of ES, so that what it imports of CommonJS has the shape that Node gives it.
    const { code } = await transform(text, {
      ...commonJs,
      format: 'cjs',
      charset: options.charset,
      sourcefile: 'chunk.mjs',
    });
    await writeFile(path.replace(/js$/, 'cjs'), finished(linked(code, path)));
  }
  return metafile;
}

/** commander loads what starts processes, for commands that are programs of their own: we have none. */
const withoutChildProcesses = {
  name: 'without-child-processes',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]/.test(importer) ? { path: 'child_process', namespace: 'unused' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'unused' }, () => ({ contents: 'module.exports = {};' }));
  },
};

/** The chunks that hold these sources, and all that these load at once. */
function coreOf(outputs, root) {
  const core = new Set();
  const take = path => {
    if (core.has(path)) return;
    core.add(path);
    for (const { path: imported, kind, external } of outputs.get(path).imports) {
      if (kind === 'import-statement' && !external) take(resolve(root, imported));
    }
  };
  for (const source of WITH_ENTRY) {
    const [path] = [...outputs].find(([, { inputs }]) => source in inputs) ?? [];
    if (path === undefined) throw new Error(`${source} is in no chunk of the program`);
    take(path);
  }
  return core;
}

/** Everything that the chunks of the core export, a name for each chunk: what the other chunks ask of it. */
function reExports(core) {
  return [...core].map(path => `export * as ${nameOf(path)} from ${JSON.stringify(path)};`).join('\n');
}

/** Made of the name of the file, and so of its content: a program that runs on while it is built anew finds its own. */
function nameOf(path) {
  return basename(path, '.js').replace(/\W/g, '_');
}

/** Resolves the chunks of the core to what was bundled; everything else stays where it is, as seen from main. */
function fromMemory(texts, core, outdir) {
  return {
    name: 'from-memory',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, ({ path, kind, resolveDir }) => {
        const file = resolve(resolveDir, path);
        if (kind !== 'dynamic-import' && core.has(file)) return { path: file, namespace: 'memory' };
        return { path: texts.has(file) ? `./${relative(outdir, file)}` : path, external: true };
      });
      onLoad({ filter: /.*/, namespace: 'memory' }, ({ path }) => ({
        contents: texts.get(path),
        resolveDir: dirname(path),
        loader: 'js',
      }));
    },
  };
}

/**
 * Has the code find chunks of its own where they now are: in the core, or as CommonJS. What Node itself brings is
 * required too; an `import()` that stays would start the loader of ES modules, and is for packages.
 */
function linkedTo(core, code, from, outdir) {
  const target = path => {
    const file = resolve(dirname(from), path);
    const place = core.has(file) ? join(outdir, MAIN) : file.replace(/js$/, 'cjs');
    const specifier = relative(dirname(from), place).replaceAll('\\', '/');
    const required = `require(${JSON.stringify(specifier.startsWith('.') ? specifier : `./${specifier}`)})`;
    return core.has(file) ? `${required}.${nameOf(file)}` : required;
  };
  const later = required => `Promise.resolve().then(() => ${required})`;
  return code
    .replace(/\brequire\("(\.[^"]*\.js)"\)/g, (_, path) => target(path))
    .replace(/\bimport\("(\.[^"]*\.js)"\)/g, (_, path) => later(target(path)))
    .replace(/\bimport\(("node:[^"]*")\)/g, (_, name) => later(`require(${name})`));
}

function finished(code) {
  if (!code.includes(FILE_URL)) return code;
  return `const ${FILE_URL} = require('node:url').pathToFileURL(__filename).href;\n${code}`;
}
