import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endingOfAnswer } from '../../src/runner/upgrade-answer.ts';

const DATE = 'Sun, 06 Nov 1994 08:49:37 GMT';

const CASES: [headers: Record<string, string>, waitMs: number | undefined][] = [
  [{ 'retry-after': '2' }, 2_000],
  [{ 'retry-after': '999999' }, 3_600_000],
  [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:47 GMT', date: DATE }, 10_000],
  [{ 'retry-after': 'Sun, 06 Nov 1994 08:00:00 GMT', date: DATE }, 0],
  [{ 'retry-after': 'Sun, 06 Nov 1994 08:49:47 GMT' }, undefined],
  [{ 'retry-after': 'soon', date: DATE }, undefined],
  [{ date: DATE }, undefined],
];

for (const [headers, waitMs] of CASES) {
  test(`how long an answer says to wait: ${JSON.stringify(headers)}`, () => {
    const ending = endingOfAnswer({ status: 503, headers });
    assert.equal(ending.kind === 'answered' && ending.retryAfterMs, waitMs);
  });
}
