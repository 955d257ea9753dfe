/** Text from outside: it cannot reorder, hide or stretch what stands around it. */
import { brief } from '../text/plain.ts';

/** Names are 63 characters long; whatever claims to be longer is cut. */
const NAME_LIMIT = 80;
const SENTENCE_LIMIT = 600;

export function Name({ children }: { children: string }) {
  return <bdi class="name">{brief(children, NAME_LIMIT)}</bdi>;
}

export function Code({ children }: { children: string }) {
  return <code class="code">{brief(children, 300)}</code>;
}

/** An error text, as the database or a runner wrote it. */
export function Said({ children }: { children: string }) {
  return <bdi class="said">{brief(children, SENTENCE_LIMIT)}</bdi>;
}

/** The first few of many names, and how many more there are. */
export function Names({ names, shown }: { names: readonly string[]; shown: number }) {
  const more = names.length - shown;
  return (
    <span class="names">
      {names.slice(0, shown).map((name, index) => (
        <span key={name}>
          <Name>{name}</Name>
          {(index < shown - 1 && index < names.length - 1) || more > 0 ? ',' : ''}
        </span>
      ))}
      {more > 0 && <span class="muted">{more} more</span>}
    </span>
  );
}
