/** Bundles the Console for browsers: one script, one style, one icon, named by their content, and the page that names them. */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

/** Evergreen browsers of the last two years: `light-dark()` and nesting are there. */
const BROWSERS = ['chrome123', 'firefox121', 'safari17.5'];

/**
 * @param {string} root of the repository.
 * @param {string} outdir gets `index.html` and its assets.
 */
export async function bundleConsole(root, outdir) {
  const { outputs: files } = await bundle(root, outdir, true);
  const outputs = Object.keys(files).map(path => basename(path));
  const icon = await readFile(join(root, 'src/console/icon.svg'));
  const iconName = `icon-${createHash('sha256').update(icon).digest('hex').slice(0, 8).toUpperCase()}.svg`;
  await mkdir(outdir, { recursive: true });
  await writeFile(join(outdir, iconName), icon);
  const page = (await readFile(join(root, 'src/console/index.html'), 'utf8'))
    .replace(
      '{script}',
      outputs.find(name => name.endsWith('.js')),
    )
    .replace(
      '{style}',
      outputs.find(name => name.endsWith('.css')),
    )
    .replace('{icon}', iconName);
  await writeFile(join(outdir, 'index.html'), page);
}

/**
 * @param {string} root of the repository.
 * @returns {Promise<string[]>} names of the packages whose code the bundle holds.
 */
export async function bundledPackages(root) {
  const { inputs } = await bundle(root, join(root, 'dist/console'), false);
  const names = Object.keys(inputs).flatMap(
    path => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1] ?? [],
  );
  return [...new Set(names)].sort();
}

async function bundle(root, outdir, write) {
  const { build } = await import('esbuild');
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: { console: 'src/console/main.tsx', style: 'src/console/style/main.css' },
    outdir,
    write,
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: BROWSERS,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    charset: 'utf8',
    // The licences of what is bundled stand in THIRD_PARTY_NOTICES.
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
  });
  return metafile;
}
