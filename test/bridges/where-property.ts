/** Generated filters over generated rows, for any engine: its answers are held against the oracle's. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type DataRow, isFound, type TextRules } from './naive-where.ts';

/** Of one row: an integer, an integer of 64 bits, a real, a text and a date that is kept as text. */
export interface WhereRow extends DataRow {
  n: number | null;
  big: bigint | null;
  r: number | null;
  t: string | null;
  d: string | null;
}

export interface WhereEngine {
  /** Makes these, with their index as `id`, the only rows of the table. */
  fill(rows: readonly WhereRow[]): void | Promise<void>;
  /** The `id`s that the bridge finds, in ascending order. */
  find(where: Record<string, unknown>): Promise<unknown[]>;
  rules: TextRules;
  /** Characters of texts and patterns; some that mean nothing to anyone, unless the engine has its own. */
  characters?: readonly string[];
  /** Tables filled; each is asked four filters. */
  runs: number;
}

/** Few letters, so that comparisons meet; every character that means something to LIKE, GLOB, a quote or an escape. */
export const CHARACTERS = [...'aAbéÉß%_\\*?[]-^\'"`;', '😀', 'e\u0301', '\u202e', '\u{10ffff}'];

/** @example await holdsForEveryWhere({ fill, find, rules: ASCII_RULES, runs: 1_000 }); */
export async function holdsForEveryWhere(engine: WhereEngine): Promise<void> {
  const { fill, find, rules, runs, characters = CHARACTERS } = engine;
  const { row, where } = arbitraries(characters);
  const rows = fc.array(row, { minLength: 1, maxLength: 12 });
  const filters = fc.array(where, { minLength: 4, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(rows, filters, async (data, wheres) => {
      await fill(data);
      for (const one of wheres) {
        const expected = [...data.keys()].filter(id => isFound(one, data[id] as WhereRow, rules));
        assert.deepEqual(await find(one), expected, `where ${JSON.stringify(one)}`);
      }
    }),
    { numRuns: runs },
  );
}

const BIG = [
  0n,
  1n,
  -1n,
  2n ** 53n,
  2n ** 53n + 1n,
  -(2n ** 53n) - 1n,
  2n ** 62n + 1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
];
const REALS = [-1.5, -0.25, 0, 0.25, 1.5, 2.75, 1e300];
const DATES = ['2025-12-31', '2026-01-01', '2026-01-31', '2026-02-01', '0001-01-01', '9999-12-31'];

function arbitraries(characters: readonly string[]): {
  row: fc.Arbitrary<WhereRow>;
  where: fc.Arbitrary<Record<string, unknown>>;
} {
  const text = fc.string({ unit: fc.constantFrom(...characters), maxLength: 5 });
  const integer = fc.integer({ min: -3, max: 3 });
  const real = fc.constantFrom(...REALS);
  const date = fc.constantFrom(...DATES);
  const big = fc.constantFrom(...BIG);
  const row = fc.record({
    n: fc.option(integer),
    big: fc.option(big),
    r: fc.option(real),
    t: fc.option(text),
    d: fc.option(date),
  });
  const fields = fc.oneof(
    field('n', integer),
    // As JSON brings them: a number where that is exact, else digits.
    field(
      'big',
      big.map(value => (Number.isSafeInteger(Number(value)) ? Number(value) : String(value))),
    ),
    field('r', real),
    field('t', text, text),
    field('d', date, fc.oneof(date, fc.constantFrom('2026', '2026-0_-%', '-01', '%31'))),
  );
  const { where } = fc.letrec<{ where: Record<string, unknown> }>(tie => ({
    where: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fields,
      fc.tuple(fields, fields).map(([a, b]) => ({ ...a, ...b })),
      fc.record({ $and: fc.array(tie('where'), { maxLength: 3 }) }),
      fc.record({ $or: fc.array(tie('where'), { maxLength: 3 }) }),
      fc.record({ $not: tie('where') }),
      fc
        .tuple(fields, tie('where'), fc.array(tie('where'), { maxLength: 2 }))
        .map(([a, negated, either]) => ({ ...a, $not: negated, $or: either })),
    ),
  }));
  return { row, where };
}

/** A condition on one column, in each way of writing one. */
function field(
  name: string,
  value: fc.Arbitrary<unknown>,
  pattern?: fc.Arbitrary<string>,
): fc.Arbitrary<Record<string, unknown>> {
  const list = fc.array(fc.option(value, { freq: 5 }), { maxLength: 4 });
  const each = (names: string[], operand: fc.Arbitrary<unknown>): Record<string, fc.Arbitrary<unknown>> =>
    Object.fromEntries(names.map(op => [op, operand]));
  const operators = {
    ...each(['$gt', '$gte', '$lt', '$lte'], value),
    ...each(['$eq', '$ne'], fc.option(value)),
    ...each(['$in', '$nin'], list),
    $exists: fc.boolean(),
    ...(pattern ? each(['$like', '$ilike', '$contains', '$startsWith', '$endsWith'], pattern) : {}),
  };
  const one = fc
    .constantFrom(...Object.entries(operators))
    .chain(([op, operand]) => fc.record({ [op]: operand }));
  const several = fc.array(one, { minLength: 2, maxLength: 3 }).map(all => Object.assign({}, ...all));
  const positive = fc.oneof(one, one, several);
  const negated = fc.oneof(
    positive.map(inner => ({ $not: inner })),
    positive.map(inner => ({ $not: { $not: inner } })),
    fc.tuple(positive, positive).map(([a, b]) => ({ ...a, $not: b })),
  );
  return fc.oneof(fc.option(value), list, positive, positive, negated).map(operand => ({ [name]: operand }));
}
