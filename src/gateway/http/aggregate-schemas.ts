/** JSON Schemas of aggregates: their shape alone; what the words in them mean is checked by the grammar itself. */
import { AGGREGATIONS, TIME_UNITS } from '../../aggregate/plan.ts';
import type { Schema } from './route.ts';
import { body, DEADLINE, LIMIT, TARGET, WHERE } from './schemas.ts';

const string: Schema = { type: 'string' };
const column: Schema = { ...string, maxLength: 1024 };

const measure = body(
  {
    agg: { ...string, description: `One of ${AGGREGATIONS.join(', ')}.` },
    column: { ...column, description: 'Not needed by `count`.' },
    p: { type: 'number', description: 'Of a `percentile`, between 0 and 1.' },
    k: { type: 'integer', description: 'Of a `top_k`: values at most.' },
    accuracy: { ...string, description: '`fast` or `exact`.' },
    where: { ...WHERE, description: 'Which rows of a bucket the measure sees; the bucket stays.' },
  },
  ['agg'],
);

const dimension = body(
  {
    field: column,
    bucket: {
      type: ['string', 'object'],
      description: `${TIME_UNITS.join(', ')}, or {"type": "numeric"} with either "step" or ascending "breaks".`,
    },
    as: { ...string, description: 'Key in `dims`; the field where it is missing.' },
    from: { ...string, description: 'Alias of the join that has the field.' },
  },
  ['field'],
);

const join = body(
  {
    target: TARGET,
    alias: string,
    kind: { ...string, description: '`left`, which is also the default.' },
    on: body({ local: column, foreign: column }, ['local', 'foreign']),
  },
  ['target', 'alias', 'on'],
);

/** What our own bridges take. */
export const AGGREGATE_OPTIONS: Schema = body(
  {
    target: TARGET,
    candidatesWhere: WHERE,
    where: { ...WHERE, description: 'Another name of `candidatesWhere`.' },
    ids: { type: 'array', items: { type: ['string', 'number'] }, description: 'Only these primary keys.' },
    dimensions: { type: 'array', items: dimension },
    measures: { type: 'object', additionalProperties: measure },
    having: { ...WHERE, description: 'Filter over keys of measures, and `count`.' },
    sort: {
      type: 'array',
      items: body({ key: string, dir: { type: 'string', enum: ['asc', 'desc'] } }, ['key']),
    },
    limit: LIMIT,
    changeTrackingColumn: { ...column, description: 'Tells `first` from `last`.' },
    joins: { type: 'array', items: join },
    sample: { type: 'number', description: 'Share of the rows, above 0 and at most 1.' },
    deadlineMs: DEADLINE,
  },
  ['target'],
);

/** The options are the bridge's: those of ours are held to `AggregateOptions`, another's are its own business. */
export const AGGREGATE_BODY: Schema = {
  ...body({ target: TARGET, deadlineMs: DEADLINE }, ['target']),
  additionalProperties: true,
  description: 'Options of the bridge; for those that come with semilayer, `AggregateOptions`.',
};
