/** What went wrong or must be known, in words, with what to do about it. */
import type { ComponentChildren } from 'preact';
import { Problem, wordsOf } from '../service/problem.ts';
import { Icon } from './icon.tsx';
import { Said } from './text.tsx';

export function Notice({ tone, children }: { tone: 'bad' | 'warn' | 'info'; children: ComponentChildren }) {
  return (
    <div class={`notice notice-${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
      {tone !== 'info' && <Icon name="warning" />}
      <div>{children}</div>
    </div>
  );
}

export function ErrorNotice({ error }: { error: unknown }) {
  if (error === undefined || error === null) return null;
  const hint = error instanceof Problem ? error.hint : null;
  return (
    <Notice tone="bad">
      <p>
        <Said>{sentence(wordsOf(error))}</Said>
      </p>
      {hint !== null && (
        <p class="muted">
          <Said>{sentence(hint)}</Said>
        </p>
      )}
    </Notice>
  );
}

/** The service writes its messages as parts of a line; here they stand alone. */
function sentence(text: string): string {
  const first = /^[a-z]+[ ,]/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text;
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}
