import assert from 'node:assert/strict';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeDirectory } from '../../src/platform/make-directory.ts';

const root = await mkdtemp(join(tmpdir(), 'semilayer-test-'));
after(() => rm(root, { recursive: true, force: true }));

test('makes every directory that is missing, for this user alone, and leaves one that is there', async () => {
  const path = join(root, 'a', 'b', 'c');
  await makeDirectory(path);
  await makeDirectory(path);
  await makeDirectory('/');
  if (process.platform === 'win32') return;
  for (const one of [join(root, 'a'), path]) assert.equal((await stat(one)).mode & 0o777, 0o700);
});

test('a name that a file has is EEXIST, and ENOTDIR below it', async () => {
  const file = join(root, 'file');
  await writeFile(file, '');
  await assert.rejects(makeDirectory(file), { code: 'EEXIST' });
  await assert.rejects(makeDirectory(join(file, 'x', 'y')), { code: 'ENOTDIR' });
});

test('comes back from a file system that can make no directory', async () => {
  if (process.platform !== 'linux') return;
  await assert.rejects(makeDirectory('/proc/semilayer'), { code: 'ENOENT' });
  await assert.rejects(makeDirectory('/proc/semilayer/below'), { code: 'ENOENT' });
});
