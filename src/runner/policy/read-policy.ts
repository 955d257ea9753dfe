/** A policy file, read strictly: a key that is misspelt would otherwise protect nothing. */
import { createHash } from 'node:crypto';
import { AppError } from '../../errors.ts';
import { parseDuration } from '../../platform/duration.ts';
import { JOB_KINDS, type JobKind } from '../../protocol/frames.ts';
import { byColumn, bySource, byTarget, type Matches, strictly } from './patterns.ts';

/** What holds for a source. Each part is a limit: an absent one limits nothing. */
export interface Rules {
  kinds: ReadonlySet<JobKind>[];
  /** A target must match something of each list. */
  targets: (readonly Matches[])[];
  bridges: (readonly string[])[];
  credentials: (readonly string[])[];
  columns: { target: Matches; masked: readonly Matches[]; dropped: readonly Matches[] }[];
  maxRows: number;
  maxBytes: number;
  concurrency: number;
  statementTimeoutMs: number;
}

export interface PolicyDocument {
  maskWith: string | null;
  /** Holds for every source, beside the source's own. */
  everywhere: Rules;
  /** Undefined is every source, with nothing of its own. */
  sources: { pattern: string; matches: Matches; rules: Rules }[] | undefined;
  /** First characters of the SHA-256 of its text: which policy is in force, for logs and ledgers. */
  fingerprint: string;
}

type Fields = Record<string, unknown>;

const RULE_KEYS = [
  ...['kinds', 'targets', 'bridges', 'credentials', 'columns'],
  ...['maxRows', 'maxBytes', 'concurrency', 'statementTimeout'],
];
const TOP_KEYS = ['$schema', 'version', 'maskWith', 'sources', ...RULE_KEYS];
const DEFAULT_MASK = '[masked]';

/**
 * @param name of the file, for errors.
 * @throws AppError `invalid_config` naming the place.
 * @example parsePolicy('{"version":1,"columns":{"*":{"drop":["ssn"]}}}', 'semilayer.policy.json')
 */
export function parsePolicy(text: string, name: string): PolicyDocument {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(name, 'the file is not JSON');
  }
  const top = object(value, name, 'the policy', TOP_KEYS);
  if (top.version !== 1) throw invalid(name, 'version must be 1');
  const { maskWith = DEFAULT_MASK, sources } = top;
  if (maskWith !== null && typeof maskWith !== 'string')
    throw invalid(name, 'maskWith is neither a text nor null');
  return {
    maskWith,
    everywhere: rulesOf(top, name, ''),
    sources:
      sources === undefined
        ? undefined
        : Object.entries(object(sources, name, 'sources')).map(([pattern, rules]) => {
            const place = `sources[${JSON.stringify(pattern)}]`;
            return {
              pattern,
              matches: bySource(pattern),
              rules: rulesOf(object(rules, name, place, RULE_KEYS), name, `${place}.`),
            };
          }),
    fingerprint: createHash('sha256').update(text).digest('hex').slice(0, 12),
  };
}

function rulesOf(given: Fields, file: string, place: string): Rules {
  const names = (key: string): string[] | undefined =>
    given[key] === undefined ? undefined : strings(given[key], file, place + key);
  const kinds = names('kinds');
  const unknown = kinds?.find(kind => !(JOB_KINDS as readonly string[]).includes(kind));
  if (unknown !== undefined) throw invalid(file, `${place}kinds: there is no kind of job "${unknown}"`);
  const credentials = names('credentials');
  if (credentials?.some(one => one !== 'managed' && one !== 'runner-local')) {
    throw invalid(file, `${place}credentials: each is managed or runner-local`);
  }
  const targets = names('targets');
  const bridges = names('bridges');
  const { columns, statementTimeout } = given;
  return {
    kinds: kinds ? [new Set(kinds as JobKind[])] : [],
    targets: targets ? [targets.map(strictly)] : [],
    bridges: bridges ? [bridges] : [],
    credentials: credentials ? [credentials] : [],
    columns:
      columns === undefined
        ? []
        : Object.entries(object(columns, file, `${place}columns`)).map(([target, rule]) =>
            columnRule(target, rule, file, `${place}columns[${JSON.stringify(target)}]`),
          ),
    maxRows: limit(given.maxRows, file, `${place}maxRows`),
    maxBytes: limit(given.maxBytes, file, `${place}maxBytes`),
    concurrency: limit(given.concurrency, file, `${place}concurrency`),
    statementTimeoutMs:
      statementTimeout === undefined
        ? Number.POSITIVE_INFINITY
        : duration(statementTimeout, file, `${place}statementTimeout`),
  };
}

function columnRule(target: string, value: unknown, file: string, place: string): Rules['columns'][number] {
  const rule = object(value, file, place, ['mask', 'drop']);
  return {
    target: byTarget(target),
    masked: strings(rule.mask ?? [], file, `${place}.mask`).map(byColumn),
    dropped: strings(rule.drop ?? [], file, `${place}.drop`).map(byColumn),
  };
}

/** Both sets of limits at once: adding rules never allows more. */
export function bothOf(one: Rules, other: Rules): Rules {
  return {
    kinds: [...one.kinds, ...other.kinds],
    targets: [...one.targets, ...other.targets],
    bridges: [...one.bridges, ...other.bridges],
    credentials: [...one.credentials, ...other.credentials],
    columns: [...one.columns, ...other.columns],
    maxRows: Math.min(one.maxRows, other.maxRows),
    maxBytes: Math.min(one.maxBytes, other.maxBytes),
    concurrency: Math.min(one.concurrency, other.concurrency),
    statementTimeoutMs: Math.min(one.statementTimeoutMs, other.statementTimeoutMs),
  };
}

function object(value: unknown, file: string, place: string, keys?: readonly string[]): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(file, `${place} is not an object`);
  }
  const unknown = keys && Object.keys(value).find(key => !keys.includes(key));
  if (unknown !== undefined) throw invalid(file, `${place} has an unknown key "${unknown}"`, keys);
  return value as Fields;
}

function strings(value: unknown, file: string, place: string): string[] {
  if (!Array.isArray(value) || value.some(one => typeof one !== 'string' || one === '')) {
    throw invalid(file, `${place} is not a list of names`);
  }
  return value as string[];
}

function limit(value: unknown, file: string, place: string): number {
  if (value === undefined) return Number.POSITIVE_INFINITY;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) {
    throw invalid(file, `${place} is not a whole number of 1 or more`);
  }
  return value;
}

function duration(value: unknown, file: string, place: string): number {
  if (typeof value !== 'string') throw invalid(file, `${place} is not a duration such as "10s"`);
  try {
    return parseDuration(value, place, { minMs: 1 });
  } catch (error) {
    throw invalid(file, (error as Error).message);
  }
}

function invalid(file: string, message: string, keys?: readonly string[]): AppError {
  return new AppError('invalid_config', {
    message: `${file}: ${message}`,
    hint: keys ? `known here: ${keys.join(', ')}` : undefined,
  });
}
