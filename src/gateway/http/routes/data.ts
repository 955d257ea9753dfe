/** `/v1/sources/{source}/…`: questions to a source, answered through its runners. */
import { parseAggregate } from '../../../aggregate/parse-aggregate.ts';
import { AppError } from '../../../errors.ts';
import { isOurBridge } from '../../../protocol/bridge-names.ts';
import type { JobKind } from '../../../protocol/frames.ts';
import { DEFAULT_JOB_DEADLINE_MS } from '../../../protocol/limits.ts';
import type { SourceRecord } from '../../../store/store.ts';
import {
  parseBatchReadOptions,
  parseCountOptions,
  parseQueryOptions,
  parseReadOptions,
} from '../../../where/options.ts';
import { WhereError } from '../../../where/where.ts';
import type { Known } from '../../catalog.ts';
import type { Job, JobMeta } from '../../job.ts';
import { AGGREGATE_BODY, AGGREGATE_OPTIONS } from '../aggregate-schemas.ts';
import { writeJson } from '../head.ts';
import { decodeQueryCursor, encodeQueryCursor, type Question } from '../query-cursor.ts';
import { ANSWERED, type Call, type Route, type Schema } from '../route.ts';
import {
  body,
  CURSOR,
  DEADLINE,
  FIELDS,
  LIMIT,
  ORDER_BY,
  pageOf as pageSchema,
  ref,
  TARGET,
  WHERE,
} from '../schemas.ts';
import { cancelWithCaller, collectBatches, collectRows, streamRows } from '../stream-job.ts';
import { Validator } from '../validate.ts';
import { callerOf } from './actor.ts';

const NDJSON: Schema = {
  type: 'string',
  description: 'A row a line; a last line {"$error": …} when it failed.',
};
const aggregates = new Validator({});

const ROWS_CONTENT = { 'application/json': ref('Rows'), 'application/x-ndjson': NDJSON };
const BUCKETS_CONTENT = { 'application/json': ref('Buckets'), 'application/x-ndjson': NDJSON };

export const dataRoutes: Route[] = [
  rows('query', 'Filtered rows', parseQueryOptions, {
    where: WHERE,
    orderBy: ORDER_BY,
    select: FIELDS,
    limit: LIMIT,
    offset: LIMIT,
    cursor: CURSOR,
  }),
  rows('read', 'A page of a whole target, in the order of its key', parseReadOptions, {
    limit: LIMIT,
    cursor: CURSOR,
    fields: FIELDS,
    changedSince: { type: ['string', 'number'] },
    changeTrackingColumn: { type: 'string' },
  }),
  rows('batchRead', 'Filtered rows in one batch', parseBatchReadOptions, {
    where: WHERE,
    orderBy: ORDER_BY,
    select: FIELDS,
    limit: LIMIT,
  }),
  {
    method: 'POST',
    path: '/v1/sources/:source/aggregate',
    access: 'query',
    summary: 'Rows in buckets, and what is computed over each',
    body: AGGREGATE_BODY,
    content: BUCKETS_CONTENT,
    handle: async call => {
      const { target, deadlineMs, ...options } = call.body;
      const source = await call.services.catalog.source(call.params.source as string);
      // What another's bridge takes is its own business.
      if (isOurBridge(source.bridge)) {
        aggregates.body(AGGREGATE_OPTIONS, call.body);
        checked(() => parseAggregate({ ...options, target }));
      }
      return await answerRows(call, submit(call, 'aggregate', target, options, deadlineMs), answer => answer);
    },
  },
  {
    method: 'POST',
    path: '/v1/sources/:source/count',
    access: 'query',
    summary: 'How many rows',
    body: body({ target: TARGET, where: WHERE, deadlineMs: DEADLINE }, ['target']),
    answer: ref('Count'),
    handle: async call => {
      const { target, deadlineMs, ...options } = call.body;
      checked(() => parseCountOptions(options));
      const batches = await collected(call, await submit(call, 'count', target, options, deadlineMs));
      const counted = batches.find(batch => batch.total !== undefined);
      if (!counted) throw new AppError('INTERNAL', { message: 'the runner ended the count without a total' });
      return { total: counted.total, ...(counted.approximate ? { approximate: true } : {}) };
    },
  },
  {
    method: 'GET',
    path: '/v1/sources/:source/targets',
    access: 'catalog',
    summary: 'Tables and views of a source',
    answer: pageSchema('Target'),
    handle: async call => {
      const batches = await collected(call, await submit(call, 'listTargets', '', {}, undefined));
      return { items: batches.flatMap(batch => batch.rows), nextCursor: null };
    },
  },
  {
    method: 'GET',
    path: '/v1/sources/:source/targets/:target',
    access: 'catalog',
    summary: 'Columns of a table or view',
    answer: ref('TargetSchema'),
    handle: async call => {
      const batches = await collected(
        call,
        await submit(call, 'introspectTarget', call.params.target, {}, undefined),
      );
      const [schema] = batches.flatMap(batch => batch.rows);
      if (!schema) throw new AppError('INTERNAL', { message: 'the runner ended the job without a schema' });
      return schema;
    },
  },
];

function rows(
  kind: 'query' | 'read' | 'batchRead',
  summary: string,
  parse: (options: unknown) => unknown,
  properties: Record<string, Schema>,
): Route {
  return {
    method: 'POST',
    path: `/v1/sources/:source/${kind}`,
    access: 'query',
    summary,
    body: body({ target: TARGET, deadlineMs: DEADLINE, ...properties }, ['target']),
    content: ROWS_CONTENT,
    handle: call => {
      const { target, deadlineMs, ...given } = call.body;
      checked(() => parse(given));
      if (kind !== 'query') return answerRows(call, submit(call, kind, target, given, deadlineMs));
      const { options, nextCursor } = paged(call.body as unknown as Question & PagedQuery, given);
      const job = submit(call, kind, target, options, deadlineMs);
      return answerRows(call, job, meta => ({ ...meta, ...nextCursor(meta.count) }));
    },
  };
}

interface PagedQuery {
  cursor?: string;
  offset?: number;
  limit?: number;
}

/** The options of one page, and the cursor of the next: a full page may be the last, so one more may be empty. */
function paged(
  question: Question & PagedQuery,
  given: Record<string, unknown>,
): { options: Record<string, unknown>; nextCursor: (rows: number) => { nextCursor?: string } } {
  const { cursor, ...options } = given;
  const { limit } = question;
  if (cursor !== undefined && question.offset !== undefined) {
    throw new AppError('invalid_request', { message: 'cursor and offset exclude each other' });
  }
  const offset =
    question.cursor === undefined ? (question.offset ?? 0) : decodeQueryCursor(question.cursor, question);
  return {
    options: question.cursor === undefined ? options : { ...options, offset },
    nextCursor: count =>
      limit !== undefined && limit > 0 && count >= limit
        ? { nextCursor: encodeQueryCursor(question, offset + count) }
        : {},
  };
}

function submit(
  call: Call,
  kind: JobKind,
  target: unknown,
  options: Record<string, unknown>,
  deadlineMs: unknown,
): Known<Job> {
  const { services, params } = call;
  if (!services.accepting()) {
    throw new AppError('service_unavailable', { message: 'the gateway is shutting down', retryable: true });
  }
  const begin = (source: SourceRecord): Known<Job> =>
    services.dispatcher.submit({
      source,
      kind,
      target: String(target),
      options,
      deadlineMs: typeof deadlineMs === 'number' ? deadlineMs : DEFAULT_JOB_DEADLINE_MS,
      whole: !wantsNdjson(call.request.headers.accept),
      caller: callerOf(call),
    });
  const source = services.catalog.source(params.source as string);
  return source instanceof Promise ? source.then(begin) : begin(source);
}

async function answerRows(
  call: Call,
  submitted: Known<Job>,
  finish: (meta: JobMeta) => Record<string, unknown> | JobMeta = meta => meta,
): Promise<typeof ANSWERED> {
  const { request, response } = call;
  const job = submitted instanceof Promise ? await submitted : submitted;
  const stopWatching = cancelWithCaller(job, response);
  try {
    if (wantsNdjson(request.headers.accept)) {
      await streamRows(job, call);
    } else {
      const { text, meta } = await collectRows(job);
      writeJson(call, 200, `{"rows":[${text}],"meta":${JSON.stringify(finish(meta))}}`);
    }
  } finally {
    stopWatching();
  }
  return ANSWERED;
}

async function collected(call: Call, job: Job): ReturnType<typeof collectBatches> {
  const stopWatching = cancelWithCaller(job, call.response);
  try {
    return await collectBatches(job);
  } finally {
    stopWatching();
  }
}

function wantsNdjson(accept: string | undefined): boolean {
  return accept !== undefined && /(?:^|,)\s*application\/(?:x-)?ndjson\s*(?:;|,|$)/i.test(accept);
}

/** A question the grammar refuses never reaches a runner. */
function checked(parse: () => unknown): void {
  try {
    parse();
  } catch (error) {
    if (!(error instanceof WhereError)) throw error;
    const code = error.kind === 'unsupported_operator' ? 'unsupported_operator' : 'invalid_request';
    throw new AppError(code, { message: error.message });
  }
}
