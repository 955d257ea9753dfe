/** Something to paste elsewhere: named, shown as it is, copied with one press. */
import type { ComponentChildren } from 'preact';
import { CopyButton } from './copy.tsx';

export function CodeBlock(props: { title: string; text: string; actions?: ComponentChildren }) {
  const { title, text, actions } = props;
  return (
    <div class="code-block">
      <div class="code-block-head">
        <span>{title}</span>
        <span class="actions">
          {actions}
          <CopyButton text={text} label={`Copy ${title}`} />
        </span>
      </div>
      <pre>
        <code>{text}</code>
      </pre>
    </div>
  );
}
