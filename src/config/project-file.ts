/** `.semilayerrc`: a project may say which of the user's contexts it wants, and nothing more. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../errors.ts';

export const PROJECT_FILE = '.semilayerrc';

export interface ProjectFile {
  path: string;
  context: string | undefined;
}

/**
 * The nearest such file, from `cwd` upwards.
 *
 * @throws AppError `invalid_config` when it is not JSON or names anything but a context: a repository that was cloned
 * must not decide where keys go.
 */
export async function readProjectFile(cwd: string): Promise<ProjectFile | undefined> {
  for (let directory = cwd; ; directory = dirname(directory)) {
    const path = join(directory, PROJECT_FILE);
    const text = textOf(path);
    if (text !== undefined) return parse(text, path);
    if (dirname(directory) === directory) return undefined;
  }
}

/** Read at once: every command waits for it, and threads to read beside it would take longer to start. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // A directory above may be closed to us; what cannot be read there is none of ours.
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EACCES' || code === 'EISDIR') return undefined;
    throw invalid(path, `cannot be read (${code ?? 'unknown error'})`, cause);
  }
}

function parse(text: string, path: string): ProjectFile {
  let json: unknown;
  try {
    json = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    throw invalid(path, 'is not JSON');
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw invalid(path, 'is not a JSON object');
  const { context, ...others } = json as Record<string, unknown>;
  const [other] = Object.keys(others);
  if (other !== undefined) throw invalid(path, `may name a context and nothing else, but has "${other}"`);
  if (context !== undefined && typeof context !== 'string') throw invalid(path, '"context" is not text');
  return { path, context };
}

function invalid(path: string, problem: string, cause?: unknown): AppError {
  return new AppError('invalid_config', {
    message: `${path} ${problem}`,
    hint: 'write {"context": "name"}; URLs and keys belong to semilayer login or the environment',
    cause,
  });
}
