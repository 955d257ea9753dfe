/** The Console's files as the build left them: read once, kept in memory with their compressed form. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { AppError } from '../../errors.ts';

export interface ConsoleFile {
  type: string;
  body: Buffer;
  gzipped: Buffer;
  etag: string;
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const PAGE = 'index.html';

let loading: Promise<ReadonlyMap<string, ConsoleFile>> | undefined;

/** @throws AppError `internal` where the program was not built. */
export async function consolePage(): Promise<ConsoleFile> {
  const page = (await consoleFiles()).get(PAGE);
  if (!page) throw new AppError('internal', { message: 'the Console was not built: npm run build' });
  return page;
}

/** @throws AppError `not_found`. */
export async function consoleAsset(name: string): Promise<ConsoleFile> {
  const file = name === PAGE ? undefined : (await consoleFiles()).get(name);
  if (!file) throw new AppError('not_found', { message: 'there is nothing at this path' });
  return file;
}

/** All at once, so that a page never meets the assets of another build. */
function consoleFiles(): Promise<ReadonlyMap<string, ConsoleFile>> {
  loading ??= load();
  // A build under way may take a file from under us: the next request reads again.
  loading.catch(() => {
    loading = undefined;
  });
  return loading;
}

async function load(): Promise<ReadonlyMap<string, ConsoleFile>> {
  // By the package's own name: the same place from a bundle's chunk and from the sources.
  const root = dirname(createRequire(import.meta.url).resolve('semilayer/package.json'));
  const directory = join(root, 'dist', 'console');
  const names = await readdir(directory).catch(() => []);
  const entries = names.map(async (name): Promise<[string, ConsoleFile]> => {
    const body = await readFile(join(directory, name));
    const gzipped = await promisify(gzip)(body, { level: 9 });
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    return [name, { type: TYPES[extname(name)] ?? 'application/octet-stream', body, gzipped, etag }];
  });
  return new Map(await Promise.all(entries));
}
