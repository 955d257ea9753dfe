/** Sources to tick; with many of them, a search. */
import { useState } from 'preact/hooks';
import { sources } from '../live/fleet.ts';
import { SearchField } from './field.tsx';
import { Name } from './text.tsx';

const SEARCH_FROM = 10;

export function SourceTicks(props: {
  ticked: readonly string[];
  onTick: (source: string, on: boolean) => void;
  disabled?: boolean;
}) {
  const { ticked, onTick, disabled } = props;
  const [text, setText] = useState('');
  const all = sources.value ?? [];
  const wanted = text.trim().toLowerCase();
  return (
    <div class="ticks">
      {all.length > SEARCH_FROM && <SearchField label="Search sources" value={text} onValue={setText} />}
      <ul class="tick-list">
        {all
          .filter(({ name }) => name.includes(wanted))
          .map(source => (
            <li key={source.id}>
              <label class="tick">
                <input
                  type="checkbox"
                  checked={ticked.includes(source.name)}
                  disabled={disabled}
                  onChange={event => onTick(source.name, event.currentTarget.checked)}
                />
                <span class="tick-text">
                  <Name>{source.name}</Name>
                  <span class="muted">
                    {shortBridge(source.bridge)}, {source.credentialsLocation}
                  </span>
                </span>
              </label>
            </li>
          ))}
      </ul>
    </div>
  );
}

/** `sqlite` for ours, the whole package name for anybody else's. */
export function shortBridge(bridge: string): string {
  return bridge.replace(/^@semilayer\/bridge-/, '');
}
