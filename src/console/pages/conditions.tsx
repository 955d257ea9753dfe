/** Rows of column, comparison and value; all of them must hold. */
import { type Condition, OPERATORS } from '../text/filter.ts';
import { brief } from '../text/plain.ts';
import { Icon } from '../ui/icon.tsx';

export function Conditions(props: {
  columns: readonly string[];
  conditions: readonly Condition[];
  onConditions: (conditions: readonly Condition[]) => void;
}) {
  const { columns, conditions, onConditions } = props;
  const nextId = Math.max(0, ...conditions.map(({ id }) => id)) + 1;
  const change = (index: number, part: Partial<Condition>): void =>
    onConditions(conditions.map((one, at) => (at === index ? { ...one, ...part } : one)));
  return (
    <div class="conditions">
      {conditions.map((condition, index) => {
        const operand = OPERATORS.find(({ op }) => op === condition.op)?.operand;
        const which = `of condition ${index + 1}`;
        return (
          <div class="condition" key={condition.id}>
            <select
              aria-label={`Column ${which}`}
              value={condition.field}
              onChange={event => change(index, { field: event.currentTarget.value })}
            >
              {columns.map(name => (
                <option key={name} value={name}>
                  {brief(name, 80)}
                </option>
              ))}
            </select>
            <select
              aria-label={`Comparison ${which}`}
              value={condition.op}
              onChange={event => change(index, { op: event.currentTarget.value })}
            >
              {OPERATORS.map(({ op, label }) => (
                <option key={op} value={op}>
                  {label}
                </option>
              ))}
            </select>
            {operand !== 'none' && (
              <input
                aria-label={`Value ${which}`}
                autocomplete="off"
                spellcheck={false}
                placeholder={operand === 'list' ? 'a, b, c' : ''}
                value={condition.value}
                onInput={event => change(index, { value: event.currentTarget.value })}
              />
            )}
            <button
              type="button"
              class="button button-icon"
              aria-label={`Remove condition ${index + 1}`}
              onClick={() => onConditions(conditions.filter((_, at) => at !== index))}
            >
              <Icon name="close" />
            </button>
          </div>
        );
      })}
      <button
        type="button"
        class="button button-small"
        disabled={columns.length === 0}
        onClick={() =>
          onConditions([...conditions, { id: nextId, field: columns[0] ?? '', op: '$eq', value: '' }])
        }
      >
        <Icon name="add" />
        Add condition
      </button>
    </div>
  );
}
