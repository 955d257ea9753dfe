/** Something to paste elsewhere: named, shown with whatever is unseen in it made visible, copied as it is. */
import type { ComponentChildren } from 'preact';
import { plain } from '../text/plain.ts';
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
        <code>{text.split('\n').map(plain).join('\n')}</code>
      </pre>
    </div>
  );
}
