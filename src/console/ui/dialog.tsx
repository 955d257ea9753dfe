/** A question that must be answered first; the browser's own dialog keeps the keyboard inside and Escape working. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icon.tsx';
import { ErrorNotice } from './notice.tsx';

export function Dialog(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const { title, onClose, children } = props;
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useLayoutEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    element.current?.showModal();
    return () => before?.focus();
  }, []);
  return (
    <dialog ref={element} aria-labelledby={id} onClose={onClose}>
      <div class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="button" class="button button-icon" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {children}
    </dialog>
  );
}

/** Says what follows, and does it when told to. */
export function Confirm(props: {
  title: string;
  act: string;
  danger?: boolean;
  /** What must be typed before the button works. */
  typed?: string;
  /** False while what was filled in cannot be sent. */
  ready?: boolean;
  onAct: () => Promise<void>;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const { title, act, danger, typed, ready = true, onAct, onClose, children } = props;
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const [text, setText] = useState('');
  const id = useId();
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await onAct();
    } catch (thrown) {
      setError(thrown);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <div class="dialog-body">
          {children}
          {typed !== undefined && (
            <div class="field">
              <label for={id}>
                Type <strong>{typed}</strong> to confirm
              </label>
              <input
                id={id}
                autocomplete="off"
                spellcheck={false}
                value={text}
                onInput={event => setText(event.currentTarget.value)}
              />
            </div>
          )}
          <ErrorNotice error={error} />
        </div>
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button
            type="submit"
            class={`button ${danger ? 'button-danger' : 'button-primary'}`}
            disabled={busy || !ready || (typed !== undefined && text !== typed)}
          >
            {act}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
