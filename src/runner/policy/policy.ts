/** What a runner lets out, whatever its gateway asks: each job is judged before a connection is taken or SQL is built. */
import type { Bridge } from '../../bridges/bridge.ts';
import { isOurBridge } from '../../protocol/bridge-names.ts';
import type { AssignedSource, JobInstruction } from '../../protocol/frames.ts';
import {
  parseBatchReadOptions,
  parseCountOptions,
  parseQueryOptions,
  parseReadOptions,
} from '../../where/options.ts';
import { WhereError } from '../../where/where.ts';
import { JobError } from '../job-error.ts';
import { aggregateNames, fieldsOf, UnjudgedError } from './aggregate-names.ts';
import { guardBridge } from './guarded-bridge.ts';
import { HiddenColumns } from './hidden-columns.ts';
import { canonicalSource } from './patterns.ts';
import { bothOf, type PolicyDocument, parsePolicy, type Rules } from './read-policy.ts';

/** What a job may do, once it was judged. */
export interface Permit {
  /** The job as it is to be run. */
  job: JobInstruction;
  /** Rows and bytes that may leave; infinite where nothing limits them. */
  maxRows: number;
  maxBytes: number;
  /** Milliseconds that the database may take. */
  statementTimeoutMs: number;
  /** The bridge, through which nothing hidden comes. */
  guard(bridge: Bridge): Bridge;
}

/** As `semilayer.policy.json` says it; see docs/policy.md. */
export class Policy {
  readonly #document: PolicyDocument;

  constructor(document: PolicyDocument) {
    this.#document = document;
  }

  /** @throws AppError `invalid_config`. */
  static parse(text: string, name = 'the policy'): Policy {
    return new Policy(parsePolicy(text, name));
  }

  /** Which policy this is: the first characters of its SHA-256. */
  get fingerprint(): string {
    return this.#document.fingerprint;
  }

  /** Jobs of this source that may run at once. */
  concurrencyOf(sourceName: string): number {
    return this.#rulesFor(sourceName)?.concurrency ?? Number.POSITIVE_INFINITY;
  }

  /**
   * @param source as it will be opened: its name decides, however the job calls it.
   * @throws JobError `UNSUPPORTED_JOB` for a kind that is not allowed, `UNSUPPORTED_OPERATOR`, else `SOURCE_QUERY_FAILED`.
   */
  permit(source: AssignedSource, job: JobInstruction): Permit {
    const rules = this.#rulesFor(source.name);
    if (!rules) throw refused(`the source "${source.name}" is not one that it allows`);
    if (!rules.credentials.every(list => list.includes(source.credentialsLocation))) {
      throw refused(`it allows no source with ${source.credentialsLocation} credentials here`);
    }
    if (!rules.bridges.every(list => list.includes(source.bridge))) {
      throw refused(`the bridge ${source.bridge} is not one that it allows for "${source.name}"`);
    }
    if (!rules.kinds.every(kinds => kinds.has(job.kind))) {
      throw new JobError('UNSUPPORTED_JOB', said(`"${source.name}" takes no ${job.kind} jobs`));
    }
    const hidden = (target: string): HiddenColumns => this.#hiddenIn(rules, target);
    const { maxRows, maxBytes, statementTimeoutMs } = rules;
    return {
      job: judged(job, rules, hidden),
      maxRows,
      maxBytes,
      statementTimeoutMs,
      guard: bridge =>
        guardBridge(bridge, {
          hidden,
          allows: target => allowsTarget(rules, target),
          withhold: rules.columns.length > 0 ? { ours: isOurBridge(source.bridge) } : undefined,
        }),
    };
  }

  #rulesFor(sourceName: string): Rules | undefined {
    const { everywhere, sources } = this.#document;
    if (!sources) return everywhere;
    const exact = sources.find(({ pattern }) => canonicalSource(pattern) === canonicalSource(sourceName));
    const found = exact ?? sources.find(({ matches }) => matches(sourceName));
    return found && bothOf(everywhere, found.rules);
  }

  #hiddenIn(rules: Rules, target: string): HiddenColumns {
    const columns = rules.columns.filter(rule => rule.target(target));
    return new HiddenColumns({
      masked: columns.flatMap(rule => rule.masked),
      dropped: columns.flatMap(rule => rule.dropped),
      maskWith: this.#document.maskWith,
    });
  }
}

/** The job with its options cut to what was judged, and its limit to what may leave. */
function judged(
  job: JobInstruction,
  rules: Rules,
  hiddenIn: (target: string) => HiddenColumns,
): JobInstruction {
  const { kind, target } = job;
  if (kind === 'listTargets' || kind === 'test') return job;
  mustAllow(rules, target);
  const hidden = hiddenIn(target);
  switch (kind) {
    case 'query':
    case 'batchRead':
    case 'read':
    case 'count': {
      const options = hidden.any ? judgedOptions(kind, job.options, hidden) : job.options;
      return { ...job, options: kind === 'count' ? options : limited(kind, options, rules.maxRows) };
    }
    case 'aggregate':
      understood(() => judgeAggregate(job.options, rules, hidden, hiddenIn));
      return job;
    case 'introspectTarget':
    case 'search':
    case 'similar':
      return job;
  }
}

/** Only options that were looked at go on: what a bridge might know beyond them stays behind. */
function judgedOptions(
  kind: 'query' | 'batchRead' | 'read' | 'count',
  given: Record<string, unknown>,
  hidden: HiddenColumns,
): Record<string, unknown> {
  const take = (...keys: string[]): Record<string, unknown> =>
    Object.fromEntries(keys.filter(key => given[key] !== undefined).map(key => [key, given[key]]));
  return understood(() => {
    switch (kind) {
      case 'count':
        mustNotName(fieldsOf(parseCountOptions(given)), hidden);
        return take('where');
      case 'read': {
        const { fields, changeTrackingColumn } = parseReadOptions(given);
        mustSelect(fields, hidden);
        mustNotName(changeTrackingColumn === undefined ? [] : [changeTrackingColumn], hidden);
        return take('limit', 'cursor', 'fields', 'changedSince', 'changeTrackingColumn');
      }
      default: {
        const { where, orderBy, select } =
          kind === 'query' ? parseQueryOptions(given) : parseBatchReadOptions(given);
        mustSelect(select, hidden);
        mustNotName([...fieldsOf(where), ...orderBy.map(order => order.field)], hidden);
        return take('where', 'orderBy', 'select', 'limit', ...(kind === 'query' ? ['offset'] : []));
      }
    }
  });
}

function judgeAggregate(
  options: Record<string, unknown>,
  rules: Rules,
  hidden: HiddenColumns,
  hiddenIn: (target: string) => HiddenColumns,
): void {
  const limitsColumns = rules.columns.length > 0 || rules.targets.length > 0;
  if (!limitsColumns) return;
  const { names, joined } = aggregateNames(options);
  for (const target of joined) {
    mustAllow(rules, target);
    mustNotName(names, hiddenIn(target));
  }
  mustNotName(names, hidden);
}

/** A row more than may leave tells that there are too many; a page of `read` may simply be smaller. */
function limited(kind: string, options: Record<string, unknown>, maxRows: number): Record<string, unknown> {
  if (maxRows === Number.POSITIVE_INFINITY) return options;
  const most = kind === 'read' ? maxRows : maxRows + 1;
  const { limit } = options;
  if (limit === undefined) return { ...options, limit: most };
  return typeof limit === 'number' && limit > most ? { ...options, limit: most } : options;
}

function allowsTarget(rules: Rules, target: string): boolean {
  return rules.targets.every(list => list.some(matches => matches(target)));
}

function mustAllow(rules: Rules, target: string): void {
  if (!allowsTarget(rules, target)) throw refused(`the target ${shown(target)} is not one that it allows`);
}

/** A comparison with a hidden column, or an order by it, would tell its values one by one. */
function mustNotName(names: readonly string[], hidden: HiddenColumns): void {
  for (const name of names) {
    const column = hidden.namedIn(name);
    if (column !== undefined)
      throw refused(`the column ${shown(column)} is hidden: no job may compare, order or group by it`);
  }
}

function mustSelect(names: readonly string[] | undefined, hidden: HiddenColumns): void {
  for (const name of names ?? []) {
    const column = hidden.unselectableIn(name);
    if (column !== undefined) throw refused(`the column ${shown(column)} is hidden`);
  }
}

/** Options that are malformed fail as they do at a bridge; what cannot be judged is refused. */
function understood<T>(judge: () => T): T {
  try {
    return judge();
  } catch (error) {
    if (error instanceof UnjudgedError) throw refused(`this aggregate cannot be judged: ${error.message}`);
    if (!(error instanceof WhereError)) throw error;
    const code = error.kind === 'unsupported_operator' ? 'UNSUPPORTED_OPERATOR' : 'SOURCE_QUERY_FAILED';
    throw new JobError(code, error.message);
  }
}

function refused(what: string): JobError {
  return new JobError('SOURCE_QUERY_FAILED', said(what));
}

function said(what: string): string {
  return `refused by the policy of this runner: ${what}`;
}

function shown(name: string): string {
  return JSON.stringify(name.length > 80 ? `${name.slice(0, 80)}…` : name);
}
