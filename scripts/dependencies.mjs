/** What we ask of a runtime dependency, read from the lockfile: no install script, and the Nodes that we promise. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import semver from 'semver';
import { bundledPackages, ROOT } from './build.mjs';

/** The oldest Node we promise, and the lines above it. */
const NODES = ['20.19.0', '22.12.0', '24.0.0'];

/** Packages that a user gets, installed or in the bundle, as `[path, entry]` of the lockfile; platform packages too. */
export async function runtimePackages() {
  const { packages } = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'));
  // npm marks the folder that a link leads to as a development dependency, but not always the link.
  const forDevelopers = entry =>
    entry.dev || entry.devOptional || (entry.link && packages[entry.resolved]?.dev === true);
  const bundled = new Set(await bundledPackages());
  return Object.entries(packages).filter(
    ([path, entry]) => path !== '' && (bundled.has(path) || !forDevelopers(entry)),
  );
}

/** @returns sentences, one a fault. */
export async function dependencyFaults() {
  const faults = [];
  for (const [path, entry] of await runtimePackages()) {
    const name = path.replace(/^.*node_modules\//, '');
    if (entry.hasInstallScript) faults.push(`${name} runs a script when it is installed`);
    if (entry.resolved !== undefined) faults.push(`${name} is locked to one registry's address`);
    const range = entry.engines?.node;
    for (const node of NODES) {
      if (range !== undefined && !semver.satisfies(node, range)) {
        faults.push(`${name} ${entry.version} asks for Node ${range}: not ${node}`);
      }
    }
  }
  return faults;
}
