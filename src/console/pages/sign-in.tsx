/** Signing in: a one-time link does it by itself; else an API key, which is traded for a session and forgotten. */
import { useState } from 'preact/hooks';
import { signInWithKey } from '../service/session.ts';
import { CodeBlock } from '../ui/code-block.tsx';
import { TextField } from '../ui/field.tsx';
import { ErrorNotice, Notice } from '../ui/notice.tsx';

export function SignInPage({ reason }: { reason: string | null }) {
  const [key, setKey] = useState('');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await signInWithKey(key.trim());
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <main class="sign-in">
      <form class="sign-in-card" onSubmit={submit}>
        <h1>SemiLayer Console</h1>
        {reason !== null && error === undefined && <Notice tone="warn">{reason}</Notice>}
        <TextField
          label="API key"
          type="password"
          placeholder="sk_…"
          required
          value={key}
          onValue={setKey}
          hint="Traded for a session of 12 hours that lives in this tab alone. The key itself is not kept."
        />
        <ErrorNotice error={error} />
        <button type="submit" class="button button-primary" disabled={busy || key.trim() === ''}>
          Sign in
        </button>
        <div class="stack">
          <p class="muted">Or let a terminal that is signed in make a link that opens this page, once:</p>
          <CodeBlock title="Make a link" text="semilayer console" />
        </div>
      </form>
    </main>
  );
}
