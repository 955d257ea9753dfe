/** `semilayer demo --json`: the whole loop, told as one document. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openProgram } from '../support/program.ts';

test('demo --json is one document of steps, and nothing else', async t => {
  const program = await openProgram(t);
  const { status, stdout, stderr } = await program.run(['demo', '--json']);
  assert.equal(status, 0, stderr);
  const { ok, steps } = JSON.parse(stdout) as { ok: boolean; steps: Record<string, unknown>[] };
  assert.ok(ok);
  assert.ok(steps.length > 10);
  for (const step of steps) {
    assert.deepEqual(Object.keys(step).sort(), ['command', 'durationMs', 'ok', 'result', 'rows']);
    assert.equal(step.ok, true);
  }
  const query = steps.find(step => String(step.command).includes(' query '));
  assert.ok(Array.isArray(query?.rows) && query.rows.length === 3);
});
