/** Where a Chromium is on this machine, for what needs a real browser. */
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';

/** @returns {Promise<string | undefined>} the file to run: `CHROMIUM`, Debian's, or the first on the PATH. */
export async function findChromium(env = process.env) {
  const directories = (env.PATH ?? '').split(delimiter).filter(Boolean);
  const candidates = [
    env.CHROMIUM,
    '/usr/bin/chromium',
    ...['chromium', 'chromium-browser', 'google-chrome'].flatMap(name =>
      directories.map(directory => join(directory, name)),
    ),
  ];
  for (const file of candidates.filter(Boolean)) {
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return undefined;
}
