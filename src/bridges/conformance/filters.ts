/** Filters: each form by a written case, their combinations by generated ones that an oracle decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Where, WhereGenerator } from './generate.ts';
import { ASCII_RULES, isFound } from './oracle.ts';
import { totalOf } from './shape.ts';
import type { Suite } from './suite.ts';
import { TABLES } from './tables.ts';
import { operatorsIn, WHERE_CASES } from './where-cases.ts';

const { name, rows } = TABLES.people;

export function describeFilters(suite: Suite): void {
  test('each form of a filter finds what three-valued logic says', async () => {
    for (const [where, finds] of WHERE_CASES) {
      if (operatorsIn(where).some(op => suite.without.includes(op))) continue;
      await expectFound(suite, where, rows.filter(finds));
    }
  });

  test('generated filters find what an independent oracle finds', async t => {
    t.diagnostic(`seed ${suite.seedNumber}, ${suite.generatedFilters} filters`);
    const generator = new WhereGenerator(TABLES.people, suite.seedNumber, suite.without);
    for (let index = 0; index < suite.generatedFilters; index++) {
      const where = generator.next();
      await expectFound(
        suite,
        where,
        rows.filter(row => isFound(where, row, ASCII_RULES)),
      );
    }
  });
}

/** `query`, `count` and `batchRead` agree on those rows. */
async function expectFound(
  suite: Suite,
  where: Where,
  expected: readonly Record<string, unknown>[],
): Promise<void> {
  const said = `where ${JSON.stringify(where)} (seed ${suite.seedNumber})`;
  const ids = expected.map(row => row.id);
  const options = { where, select: ['id'], orderBy: [{ field: 'id', dir: 'asc' as const }] };
  const found = (await suite.bridge.query(name, options)).rows;
  assert.deepEqual(
    found.map(row => row.id),
    ids,
    said,
  );
  assert.equal(totalOf(await suite.bridge.count(name, { where })), ids.length, said);
  const batch = await suite.bridge.batchRead(name, options);
  assert.deepEqual(
    batch.map(row => row.id),
    ids,
    said,
  );
}
