/** Directories that may not be there yet. */
import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory for this user alone, and those above it that are missing; one that is there stays as it is.
 *
 * Node's own recursive way never comes back from a file system that answers ENOENT for what it cannot make, such as
 * /proc, which a service without a home may well be pointed at.
 *
 * @throws the error of the system for the first that cannot be made, EEXIST where something else has the name.
 */
export async function makeDirectory(path: string): Promise<void> {
  const made = await attempt(path);
  if (made === undefined) return;
  const above = dirname(path);
  if (made.code !== 'ENOENT' || above === path || (await isDirectory(above))) throw made;
  await makeDirectory(above);
  const again = await attempt(path);
  if (again !== undefined) throw again;
}

/** What stands against it; undefined where the directory is there now. */
async function attempt(path: string): Promise<NodeJS.ErrnoException | undefined> {
  try {
    await mkdir(path, { mode: 0o700 });
    return undefined;
  } catch (error) {
    // A root that is read-only, or a drive's, may answer otherwise than EEXIST for what is there.
    return (await isDirectory(path)) ? undefined : (error as NodeJS.ErrnoException);
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}
