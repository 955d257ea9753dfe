/** The way to the database, through every online runner: each hop, how long it took, where it broke. */
import { useState } from 'preact/hooks';
import { ask } from '../service/ask.ts';
import { Problem } from '../service/problem.ts';
import type { Hop, RunnerTest, Source, SourceTest } from '../service/records.ts';
import { durationText } from '../text/time.ts';
import { announce } from '../ui/announce.tsx';
import { ErrorNotice } from '../ui/notice.tsx';
import { Panel } from '../ui/page-head.tsx';
import { Name, Said } from '../ui/text.tsx';

const HOPS: Record<Hop['name'], string> = {
  gateway: 'Gateway',
  runner: 'Runner',
  connect: 'Connect',
  query: 'First query',
};

export function SourceTestPanel({ source }: { source: Source }) {
  const [busy, setBusy] = useState(false);
  const [result, setResult] = useState<SourceTest>();
  const [error, setError] = useState<unknown>();
  const test = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    setResult(undefined);
    try {
      const path = `/v1/sources/${encodeURIComponent(source.id)}/test`;
      const answer = await ask<SourceTest>(path, { method: 'POST', body: {} });
      setResult(answer);
      announce(answer.ok ? 'The database was reached' : 'Not every runner reached the database');
    } catch (thrown) {
      // Where no runner reached it, the hops are in the problem.
      const told =
        thrown instanceof Problem ? (thrown.members.runners as RunnerTest[] | undefined) : undefined;
      if (told) setResult({ ok: false, runners: told });
      else setError(thrown);
    }
    setBusy(false);
  };
  return (
    <Panel
      title="Test"
      note={result === undefined ? 'Reaches the database through every online runner of it.' : undefined}
      actions={
        <button type="button" class="button" disabled={busy} onClick={() => void test()}>
          {busy ? 'Testing…' : 'Test source'}
        </button>
      }
    >
      <ErrorNotice error={error} />
      {result && (
        <ul class="tests">
          {result.runners.map(one => (
            <RunnerResult key={one.sessionId} result={one} />
          ))}
        </ul>
      )}
    </Panel>
  );
}

function RunnerResult({ result }: { result: RunnerTest }) {
  return (
    <li class="test">
      <p class="test-head">
        <strong>
          <Name>{result.runner}</Name>
        </strong>
        {result.instance !== null && (
          <span class="muted">
            <Name>{result.instance}</Name>
          </span>
        )}
        <span class={result.ok ? 'tag tag-good' : 'tag tag-bad'}>
          {result.ok ? 'reached' : 'not reached'}
        </span>
      </p>
      <ol class="hops">
        {result.hops.map(hop => (
          <li key={hop.name} class={hop.ok ? 'hop' : 'hop hop-broken'}>
            <span class="hop-name">{HOPS[hop.name] ?? hop.name}</span>
            <span class="hop-time">{hop.durationMs === null ? '–' : durationText(hop.durationMs)}</span>
            {!hop.ok && <span class="unseen">failed</span>}
          </li>
        ))}
      </ol>
      {result.error && (
        <p class="test-error">
          <code>{result.error.code}</code> <Said>{result.error.message}</Said>
        </p>
      )}
    </li>
  );
}
