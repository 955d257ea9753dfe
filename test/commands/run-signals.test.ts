/** What each signal does to a runner that hangs in everything it is asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SignalName } from '../../src/cli/context.ts';
import { RunSignals } from '../../src/commands/run-signals.ts';
import type { RunnerHandle } from '../../src/runner/index.ts';

function stage() {
  const done: string[] = [];
  let signal: (name: SignalName) => void = () => {};
  const hang = (what: string) => (): Promise<never> => {
    done.push(what);
    return new Promise(() => {});
  };
  const context = {
    signals: {
      on: (_names: readonly SignalName[], handler: typeof signal) => {
        signal = handler;
        return () => {};
      },
    },
    exitNow: (status: number) => void done.push(`exit ${status}`) as never,
  };
  const signals = new RunSignals(context, ({ msg }) => done.push(msg));
  const attach = (): void =>
    signals.attach({ stop: hang('stop'), cancel: hang('cancel') } as unknown as RunnerHandle, 25_000);
  return { done, attach, signal: (name: SignalName) => signal(name) };
}

for (const [name, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  test(`${name}: the third leaves at once, where neither draining nor cancelling has come to an end`, () => {
    const { done, attach, signal } = stage();
    attach();
    signal(name);
    assert.deepEqual(done.splice(0), [
      `${name}: draining up to 25s; again to cancel the jobs under way`,
      'stop',
    ]);
    signal(name);
    assert.deepEqual(done.splice(0), [
      `${name}: cancelling the jobs under way; again to leave at once`,
      'cancel',
    ]);
    signal(name);
    assert.deepEqual(done, [`exit ${status}`]);
  });
}

test('before the first connection the second signal leaves at once', () => {
  const { done, signal } = stage();
  signal('SIGINT');
  signal('SIGTERM');
  assert.deepEqual(done, ['SIGINT: stopped before the first connection; again to leave at once', 'exit 143']);
});
