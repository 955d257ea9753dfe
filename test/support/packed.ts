/** The packed program, installed in a directory where nothing else is: what a user has. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const exec = promisify(execFile);

export interface Packed {
  home: string;
  /** The script behind `semilayer`. */
  bin: string;
  version: string;
}

/** Installed before the first test of the file, removed after its last. */
export function installPacked(): Packed {
  const packed: Packed = { home: '', bin: '', version: '' };
  before(async () => {
    packed.home = await mkdtemp(join(tmpdir(), 'semilayer-packed-'));
    const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', packed.home], {
      cwd: ROOT,
    });
    const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
    await writeFile(join(packed.home, 'package.json'), '{"private":true}');
    const options = ['--no-audit', '--no-fund', '--prefer-offline'];
    await exec('npm', ['install', ...options, `./${filename}`], { cwd: packed.home });
    packed.bin = join(packed.home, 'node_modules/semilayer/bin/semilayer.js');
    packed.version = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')).version;
  });
  after(() => rm(packed.home, { recursive: true, force: true }));
  return packed;
}
