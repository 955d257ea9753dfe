/** Another commit, checked out beside this one and built; gone afterwards. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const exec = promisify(execFile);

/**
 * Says so, and does nothing, where this clone does not have the commit: a shallow one has its own alone.
 *
 * @param use is given the checkout's directory.
 */
export async function withCheckout(ref: string, use: (directory: string) => Promise<void>): Promise<void> {
  const git = async (...args: string[]) => (await exec('git', args, { cwd: ROOT })).stdout.trim();
  const commit = await git('rev-parse', '--verify', '--quiet', '--end-of-options', `${ref}^{commit}`).catch(
    () => undefined,
  );
  if (!commit) {
    process.stdout.write(`NOT MEASURED: this clone has no commit ${ref} to compare with\n`);
    return;
  }
  const directory = await mkdtemp(join(tmpdir(), 'semilayer-base-'));
  try {
    await git('worktree', 'add', '--detach', directory, commit);
    const isSame = await git('diff', '--quiet', commit, '--', 'package-lock.json').then(
      () => true,
      () => false,
    );
    if (isSame) await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
    else await exec('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: directory });
    await exec(process.execPath, ['scripts/build.mjs'], { cwd: directory });
    await use(directory);
  } finally {
    await git('worktree', 'remove', '--force', directory).catch(() => {});
    await rm(directory, { recursive: true, force: true });
  }
}
