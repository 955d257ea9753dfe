/** Texts kept beside the tests; `UPDATE_SNAPSHOTS=1` writes them anew, to be read before they are committed. */
import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const INSTANCE = new RegExp(`\\b${hostname().replaceAll('.', '\\.')}:\\d+`, 'g');
const DIRECTORY = fileURLToPath(new URL('../package/snapshots', import.meta.url));

export async function matchesSnapshot(name: string, text: string): Promise<void> {
  const path = join(DIRECTORY, `${name}.txt`);
  if (process.env.UPDATE_SNAPSHOTS === '1') {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
    return;
  }
  const kept = await readFile(path, 'utf8').catch(() => '');
  assert.equal(text, kept, `test/package/snapshots/${name}.txt; UPDATE_SNAPSHOTS=1 writes it anew`);
}

/** What differs from run to run, written as what it is; alignment of what follows on the line stays. */
export function steady(text: string, replaced: readonly (readonly [string, string])[] = []): string {
  let result = text;
  for (const [from, to] of replaced) result = result.replaceAll(from, to);
  return (
    result
      .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'.padEnd(36, '-'))
      .replace(/\b[0-9a-f]{8}(?:-[0-9a-f]*)*…/g, 'UUID…')
      .replace(/\b(rk|sk)_[0-9A-Za-z]{40,}/g, '$1_SECRET')
      .replace(/\b(rk|sk)_…\w{4}:[0-9a-f]{8}/g, '$1_…FINGERPRINT')
      .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, 'TIME')
      .replace(/\b(?:\d+ (?:s|min|h|d) ago|now)\b/g, 'AGO')
      .replace(/\b\d+(?:\.\d+)? ms\b/g, 'N ms')
      .replace(/(127\.0\.0\.1|localhost):\d+/g, '$1:PORT')
      .replace(/port \d{4,5}/g, 'port PORT')
      .replace(/code=[\w-]+/g, 'code=CODE')
      .replace(INSTANCE, 'HOST:PID')
      // How wide a column is depends on what differs.
      .replace(/(\S) {2,}/g, '$1  ')
  );
}
