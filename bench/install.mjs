/** What installing the packed program brings: packages, megabytes, seconds. `--check` fails beyond the limits. */
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Report } from './report.ts';

const report = new Report('install', { check: [false, false] });
const MAX_PACKAGES = 60;
const MAX_MEGABYTES = 45;
const exec = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));

const directory = await mkdtemp(join(tmpdir(), 'semilayer-install-'));
try {
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', directory], { cwd: root });
  const [{ filename, size }] = JSON.parse(stdout);
  await writeFile(join(directory, 'package.json'), '{"private":true}');
  const started = performance.now();
  await exec('npm', ['install', '--no-audit', '--no-fund', `./${filename}`], { cwd: directory });
  const seconds = (performance.now() - started) / 1000;
  const { packages, bytes } = await measure(join(directory, 'node_modules'));
  const megabytes = bytes / 1_048_576;
  report.add({
    name: 'install',
    title: 'installing',
    columns: [
      { key: 'packages', title: 'packages' },
      { key: 'megabytes', title: 'MB on disk', digits: 1 },
      { key: 'tarball', title: 'MB of the tarball', digits: 2 },
      { key: 'seconds', title: 'seconds', digits: 1 },
    ],
    rows: [
      {
        label: 'semilayer',
        side: 'ours',
        values: { packages, megabytes, tarball: size / 1_048_576, seconds },
      },
    ],
  });
  report.target('packages', `${MAX_PACKAGES} or fewer`, String(packages), packages <= MAX_PACKAGES);
  report.target(
    'on disk',
    `${MAX_MEGABYTES} MB or less`,
    `${megabytes.toFixed(1)} MB`,
    megabytes <= MAX_MEGABYTES,
  );
  report.finish();
  if (report.settings.check && (packages > MAX_PACKAGES || megabytes > MAX_MEGABYTES)) {
    process.exitCode = 1;
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

async function measure(modules) {
  let packages = 0;
  let bytes = 0;
  for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    bytes += (await stat(path)).size;
    if (/node_modules\/(?:@[^/]+\/)?[^/@]+\/package\.json$/.test(path.replaceAll('\\', '/'))) packages++;
  }
  return { packages, bytes };
}
