/** Which columns a query reads: all of them, until some are unticked. */
import { Icon } from '../ui/icon.tsx';
import { Name } from '../ui/text.tsx';

export function ColumnChoice(props: {
  columns: readonly string[];
  /** Undefined is all of them, whatever they are when the query runs. */
  chosen: readonly string[] | undefined;
  onChosen: (chosen: readonly string[] | undefined) => void;
}) {
  const { columns, chosen = columns, onChosen } = props;
  const choose = (wanted: ReadonlySet<string>): void => {
    // In the table's own order, however they were ticked.
    const next = columns.filter(name => wanted.has(name));
    onChosen(next.length === columns.length ? undefined : next);
  };
  const tick = (name: string, on: boolean): void =>
    choose(new Set(on ? [...chosen, name] : chosen.filter(one => one !== name)));
  const all = chosen.length === columns.length;
  return (
    <details class="column-choice">
      <summary>
        <Icon name="next" />
        Columns
        <span class="muted">{all ? `all ${columns.length}` : `${chosen.length} of ${columns.length}`}</span>
      </summary>
      <ul class="tick-list">
        {columns.map(name => (
          <li key={name}>
            <label class="tick">
              <input
                type="checkbox"
                checked={chosen.includes(name)}
                onChange={event => tick(name, event.currentTarget.checked)}
              />
              <span class="tick-text">
                <Name>{name}</Name>
              </span>
            </label>
          </li>
        ))}
      </ul>
      <button
        type="button"
        class="button button-small"
        onClick={() => choose(all ? new Set() : new Set(columns))}
      >
        {all ? 'Untick all' : 'Tick all'}
      </button>
      {chosen.length === 0 && (
        <p class="field-error" role="status">
          Tick at least one column.
        </p>
      )}
    </details>
  );
}
