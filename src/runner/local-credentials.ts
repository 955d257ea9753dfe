/** Runner-local credentials: a source's config from this process's environment or from the files it names. */
import { readFile } from 'node:fs/promises';
import type { AssignedSource } from '../protocol/frames.ts';
import { JobError } from './job-error.ts';

const SUFFIXES = ['URL', 'URL_FILE', 'CONFIG', 'CONFIG_FILE'] as const;
type Suffix = (typeof SUFFIXES)[number];

export type Environment = Readonly<Record<string, string | undefined>>;

/** `SEMILAYER_SOURCE_<NAME>`: upper case, every character that is not a letter or digit an underscore. */
export function variablePrefix(sourceName: string): string {
  return `SEMILAYER_SOURCE_${sourceName.toUpperCase().replace(/[^A-Z0-9]/g, '_')}`;
}

/**
 * What is wrong with the settings of these sources before any is used: two that set more than one variable, or two
 * names that become one variable. Source name to message; the message names variables, never values.
 */
export function credentialProblems(
  sources: readonly AssignedSource[],
  env: Environment,
): Map<string, string> {
  const problems = new Map<string, string>();
  const local = sources.filter(source => source.credentialsLocation === 'runner-local');
  for (const source of local) {
    const prefix = variablePrefix(source.name);
    const twin = local.find(other => other.name !== source.name && variablePrefix(other.name) === prefix);
    const set = settings(prefix, env);
    if (twin) {
      problems.set(
        source.name,
        `sources "${source.name}" and "${twin.name}" both read ${prefix}_URL; rename one of them`,
      );
    } else if (set.length > 1) {
      problems.set(source.name, `set only one of ${set.map(suffix => `${prefix}_${suffix}`).join(' and ')}`);
    }
  }
  return problems;
}

/**
 * Reads the config of a runner-local source; files are read afresh at each call.
 *
 * @throws JobError `SOURCE_CONFIG_MISSING` naming the variable, never its value.
 */
export async function readLocalConfig(
  source: AssignedSource,
  assigned: readonly AssignedSource[],
  env: Environment,
): Promise<Record<string, unknown>> {
  const missing = (message: string): JobError => new JobError('SOURCE_CONFIG_MISSING', message);
  const problem = credentialProblems(assigned, env).get(source.name);
  if (problem !== undefined) throw missing(problem);

  const prefix = variablePrefix(source.name);
  const [suffix] = settings(prefix, env);
  if (suffix === undefined)
    throw missing(`set ${prefix}_URL for source "${source.name}" where this runner starts`);
  const variable = `${prefix}_${suffix}`;
  const value = env[variable] ?? '';
  const text = suffix.endsWith('_FILE') ? await readSecretFile(value, variable) : value;
  if (suffix.startsWith('URL')) {
    const url = text.trim();
    if (url === '') throw missing(`${variable} is empty`);
    return { url };
  }
  try {
    const config: unknown = JSON.parse(text);
    if (typeof config === 'object' && config !== null && !Array.isArray(config)) {
      return config as Record<string, unknown>;
    }
  } catch {
    // The parser's message quotes the text, which holds the password: only the variable is named.
  }
  throw missing(`${variable} does not hold a JSON object`);
}

function settings(prefix: string, env: Environment): Suffix[] {
  return SUFFIXES.filter(suffix => (env[`${prefix}_${suffix}`] ?? '') !== '');
}

async function readSecretFile(path: string, variable: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new JobError('SOURCE_CONFIG_MISSING', `the file that ${variable} names cannot be read (${code})`);
  }
}
