/** Env files: read as people's editors write them, written so that nobody else can read the secret in them. */
import { randomUUID } from 'node:crypto';
import { lstat, open, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve, sep } from 'node:path';
import { AppError } from '../errors.ts';
import { mergeEnvText, parseEnvText, valuesOf } from './env-file-text.ts';

/** More links than the system itself follows. */
const MAX_LINKS = 40;

type Encoding = 'utf8' | 'utf8-bom' | 'utf16le' | 'utf16be';

/**
 * The variables of an env file: UTF-8, or UTF-16 with a BOM; LF or CRLF; quotes, comments and `export` understood.
 *
 * @throws AppError `usage` when it is missing or cannot be read.
 */
export async function readEnvFile(path: string): Promise<Record<string, string>> {
  try {
    return valuesOf(parseEnvText(decode(await readFile(path)).text));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new AppError('usage', {
      message:
        code === 'ENOENT'
          ? `the env file ${path} does not exist`
          : `the env file ${path} cannot be read (${code})`,
      hint: 'semilayer runners create <name> --env-file PATH makes one',
      cause,
    });
  }
}

/**
 * Sets these variables in an env file and keeps every other line. The file is replaced in one step and is mode 0600
 * afterwards, whatever it was; where the path is a symbolic link, the file it points to is replaced.
 *
 * @throws AppError `usage` when it cannot be written, or a link leads out of its directory; then it is as it was.
 */
export async function writeEnvFile(path: string, values: Readonly<Record<string, string>>): Promise<void> {
  const target = await targetOf(path);
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    const before = await readIfThere(target);
    const { text, encoding } = before ? decode(before) : { text: '', encoding: 'utf8' as const };
    await writeNew(temporary, encode(mergeEnvText(text, values), encoding));
    await rename(temporary, target);
    await syncDirectory(dirname(target));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw unwritable(path, cause);
  }
}

/**
 * Tries what `writeEnvFile` will do, before there is a secret to lose.
 *
 * @returns what to warn of: a directory that others on this machine can look into, or change.
 * @throws AppError `usage`.
 */
export async function checkEnvFileWritable(path: string): Promise<string[]> {
  const target = await targetOf(path);
  const temporary = `${target}.${randomUUID()}.tmp`;
  try {
    await readIfThere(target);
    await writeNew(temporary, Buffer.alloc(0));
  } catch (cause) {
    throw unwritable(path, cause);
  } finally {
    await rm(temporary, { force: true }).catch(() => {});
  }
  return await exposureOf(dirname(target));
}

/** The file itself is for its owner alone; on Windows access is not in the mode. */
async function exposureOf(directory: string): Promise<string[]> {
  if (process.platform === 'win32') return [];
  const { mode } = await stat(directory);
  // With the sticky bit set, nobody can replace what is another's.
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) {
    return [
      `everybody on this machine can write to ${directory}, and so put another file in place of this one`,
    ];
  }
  return (mode & 0o004) === 0
    ? []
    : [`everybody on this machine can look into ${directory}; the file itself is for you alone (mode 0600)`];
}

/** The file behind the links, which need not be there yet; anything but a plain file is refused. */
async function targetOf(path: string): Promise<string> {
  let target = resolve(path);
  const link = target;
  try {
    for (let links = 0; (await lstat(target)).isSymbolicLink(); links++) {
      if (links === MAX_LINKS) throw Object.assign(new Error('too many links'), { code: 'ELOOP' });
      target = resolve(dirname(target), await readlink(target));
      if (!(await liesWithin(target, dirname(link)))) {
        throw new AppError('usage', {
          message: `${path} is a symbolic link to ${target}, which lies outside its directory`,
          hint: `if that is meant, name the file itself: --env-file ${target}`,
        });
      }
    }
    if (!(await stat(target)).isFile()) {
      throw new AppError('usage', { message: `${path} is not a file`, hint: 'name a file with --env-file' });
    }
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw unwritable(path, cause);
  }
  return target;
}

/** A link that somebody else has planted must not choose which file of ours is replaced. */
async function liesWithin(target: string, directory: string): Promise<boolean> {
  const home = await realpath(directory);
  const real = await realpath(dirname(target)).catch(() => dirname(target));
  return real === home || real.startsWith(home.endsWith(sep) ? home : home + sep);
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

async function writeNew(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** So that the new name survives a power cut; not every system lets a directory be opened. */
async function syncDirectory(path: string): Promise<void> {
  try {
    const directory = await open(path, 'r');
    await directory.sync().finally(() => directory.close());
  } catch {
    // The file itself is safe; only its new name may be lost, and with it nothing of the old.
  }
}

function decode(bytes: Buffer): { text: string; encoding: Encoding } {
  const [first, second, third] = bytes;
  if (first === 0xff && second === 0xfe) return { text: bytes.toString('utf16le', 2), encoding: 'utf16le' };
  if (first === 0xfe && second === 0xff) {
    const even = bytes.subarray(2, bytes.length - (bytes.length % 2));
    return { text: Buffer.from(even).swap16().toString('utf16le'), encoding: 'utf16be' };
  }
  if (first === 0xef && second === 0xbb && third === 0xbf) {
    return { text: bytes.toString('utf8', 3), encoding: 'utf8-bom' };
  }
  return { text: bytes.toString('utf8'), encoding: 'utf8' };
}

function encode(text: string, encoding: Encoding): Buffer {
  if (encoding === 'utf8') return Buffer.from(text);
  if (encoding === 'utf8-bom') return Buffer.from(`\ufeff${text}`);
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
  return encoding === 'utf16le' ? bytes : bytes.swap16();
}

function unwritable(path: string, cause: unknown): AppError {
  const { code } = cause as NodeJS.ErrnoException;
  return new AppError('usage', {
    message: `the env file ${path} cannot be written (${code ?? 'unknown error'})`,
    hint: 'name a file in a directory that this user may write to',
    cause,
  });
}
