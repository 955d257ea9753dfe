import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Credit } from '../../src/runner/credit.ts';
import { JobAbort } from '../../src/runner/job-abort.ts';

const WINDOW = 1_048_576;
const GRANT = 65_536;
/** Of a gateway that does not say when it grants, which is once a quarter of the window was taken. */
const QUIET = { windowBytes: WINDOW };

test('less is under way while the connection is shared, and never so little that sender and gateway both wait', async () => {
  const frames = fc.array(fc.integer({ min: 1, max: 400_000 }), { minLength: 1, maxLength: 60 });
  const sharing = fc.array(fc.boolean(), { minLength: 1, maxLength: 10 });
  const agreed = fc.constantFrom(
    { terms: QUIET, grantBytes: WINDOW / 4 },
    { terms: { windowBytes: WINDOW, grantBytes: GRANT }, grantBytes: GRANT },
  );
  await fc.assert(
    fc.asyncProperty(frames, sharing, agreed, async (sizes, shared, { terms, grantBytes }) => {
      let sent = 0;
      const credit = new Credit(terms, () => shared[sent % shared.length] as boolean);
      const abort = new JobAbort();
      const underWay: number[] = [];
      let ungranted = 0;
      /** As a gateway does: the oldest frame is taken, and granted once there is enough of it. */
      const take = (): void => {
        ungranted += underWay.shift() ?? 0;
        if (ungranted < grantBytes) return;
        credit.grant(ungranted);
        ungranted = 0;
      };
      for (const bytes of sizes) {
        const isShared = shared[sent % shared.length] as boolean;
        for (let waiting = credit.available(abort); waiting; waiting = credit.available(abort)) {
          assert.ok(underWay.length > 0, 'the sender waits and nothing is left that could be granted');
          take();
        }
        const before = underWay.reduce((sum, one) => sum + one, ungranted);
        assert.ok(before < (isShared ? grantBytes * 1.5 : WINDOW));
        credit.spend(bytes);
        underWay.push(bytes);
        sent++;
      }
    }),
  );
});

test('who waits for credit is woken by a grant and by the end of the job, and by nothing that is too little', async () => {
  const credit = new Credit(QUIET, () => true);
  const abort = new JobAbort();
  let woken = 0;
  const wait = (): void => {
    void credit.available(abort)?.then(() => woken++);
  };
  credit.spend(WINDOW);
  wait();
  credit.grant(1_000);
  await new Promise<void>(resolve => setImmediate(resolve));
  assert.equal(woken, 0);
  credit.grant(WINDOW);
  await new Promise<void>(resolve => setImmediate(resolve));
  assert.equal(woken, 1);
  credit.spend(WINDOW);
  wait();
  abort.abort(new Error('over'));
  await new Promise<void>(resolve => setImmediate(resolve));
  assert.equal(woken, 2);
  assert.equal(credit.available(abort), undefined);
});
