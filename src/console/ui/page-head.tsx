/** The head of a page: where it lies, what it is, what can be done; focused when a page is entered. */
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { Icon } from './icon.tsx';

export function PageHead(props: {
  title: ComponentChildren;
  /** What the browser's tab says. */
  name: string;
  up?: { href: string; label: string };
  beside?: ComponentChildren;
  actions?: ComponentChildren;
}) {
  const { title, name, up, beside, actions } = props;
  const heading = useRef<HTMLHeadingElement>(null);
  // With the page itself, not after it was painted: the next key belongs to what is seen.
  useLayoutEffect(() => {
    document.title = `${name} · SemiLayer`;
    heading.current?.focus({ preventScroll: true });
  }, [name]);
  return (
    <header class="page-head">
      {up && (
        <a class="up" href={up.href}>
          <Icon name="back" />
          {up.label}
        </a>
      )}
      <div class="page-title">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {beside}
        {actions && <div class="actions">{actions}</div>}
      </div>
    </header>
  );
}

export function Panel(props: {
  title: string;
  note?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>{props.title}</h2>
        {props.note && <span class="muted">{props.note}</span>}
        {props.actions && <div class="actions">{props.actions}</div>}
      </div>
      {props.children}
    </section>
  );
}
