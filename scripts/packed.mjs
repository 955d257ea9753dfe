/** Packs the package and installs it where nothing else is: what a user has, made once for all tests that try it. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from './build.mjs';

const exec = promisify(execFile);
/** Beside the installed package: what `npm pack` said of it. */
const REPORT = 'pack.json';

/**
 * @param directory empty, and outside of the checkout.
 * @throws when npm fails. It needs the registry, or its cache, for what the package depends on.
 */
export async function installPacked(directory) {
  const { stdout } = await exec('npm', ['pack', '--json', '--pack-destination', directory], { cwd: ROOT });
  const [{ filename }] = JSON.parse(stdout);
  await writeFile(join(directory, REPORT), stdout);
  await writeFile(join(directory, 'package.json'), '{"private":true,"type":"module"}');
  const options = ['--no-audit', '--no-fund', '--prefer-offline'];
  await exec('npm', ['install', ...options, `./${filename}`], { cwd: directory });
}
