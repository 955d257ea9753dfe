/** A choice of one among few, as chips: radio buttons in all but looks. */
import { useId } from 'preact/hooks';

export interface Chip {
  value: string;
  label: string;
  count?: number;
}

export function Chips(props: {
  legend: string;
  chips: readonly Chip[];
  value: string;
  onValue: (value: string) => void;
}) {
  const { legend, chips, value, onValue } = props;
  const name = useId();
  return (
    <fieldset class="chips">
      <legend class="unseen">{legend}</legend>
      {chips.map(chip => (
        <label key={chip.value} class="chip">
          <input
            type="radio"
            name={name}
            value={chip.value}
            checked={chip.value === value}
            onChange={() => onValue(chip.value)}
          />
          <span>
            {chip.label}
            {chip.count !== undefined && <span class="chip-count">{chip.count.toLocaleString()}</span>}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
