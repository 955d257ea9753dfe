/** The built program that is measured: this checkout's, or that of SEMILAYER_BENCH_PRODUCT, a checkout to compare with. */
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = process.env.SEMILAYER_BENCH_PRODUCT ?? fileURLToPath(new URL('..', import.meta.url));

export const BIN = join(ROOT, 'bin', 'semilayer.js');

/** What a program would import: `runner.js` and its like. */
export async function builtModule(name) {
  return await import(pathToFileURL(join(ROOT, 'dist', name)).href);
}

/** What a child of a benchmark is told of its surroundings: where things are, and nothing of the user's. */
export function childEnvironment(env = {}) {
  const { PATH, SEMILAYER_BENCH_PRODUCT } = process.env;
  return { PATH, ...(SEMILAYER_BENCH_PRODUCT ? { SEMILAYER_BENCH_PRODUCT } : {}), ...env };
}
