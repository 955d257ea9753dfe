/** Copying, also where the browser offers no clipboard to a page without TLS. */
import { useEffect, useState } from 'preact/hooks';
import { announce } from './announce.tsx';
import { Icon } from './icon.tsx';

const SHOWN_MS = 2_000;

export function CopyButton({ text, label, quiet }: { text: string; label: string; quiet?: boolean }) {
  const [state, setState] = useState<'idle' | 'copied' | 'refused'>('idle');
  useEffect(() => {
    if (state === 'idle') return;
    const timer = setTimeout(() => setState('idle'), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [state]);
  const copy = async (): Promise<void> => {
    const copied = await write(text);
    setState(copied ? 'copied' : 'refused');
    announce(copied ? 'Copied' : 'The browser refused to copy');
  };
  return (
    <button
      type="button"
      class={quiet ? 'button button-icon' : 'button'}
      aria-label={label}
      title={label}
      onClick={copy}
    >
      <Icon name={state === 'copied' ? 'done' : 'copy'} />
      {!quiet && <span>{state === 'copied' ? 'Copied' : state === 'refused' ? 'Not copied' : 'Copy'}</span>}
    </button>
  );
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeBySelection(text);
  }
}

function writeBySelection(text: string): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'unseen';
  // Inside an open dialog, what lies outside of it cannot be focused.
  (document.querySelector('dialog[open]') ?? document.body).append(area);
  const before = document.activeElement as HTMLElement | null;
  area.select();
  const copied = document.execCommand('copy');
  area.remove();
  before?.focus();
  return copied;
}
