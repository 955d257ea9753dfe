/** Labelled inputs: what is asked, what helps, what is wrong, tied together for those who hear the page. */
import type { ComponentChildren } from 'preact';
import { useId } from 'preact/hooks';

interface FieldProps {
  label: string;
  hint?: ComponentChildren;
  error?: string | undefined;
  /** The label is heard, not seen: where the place says it already. */
  bare?: boolean;
}

interface Wiring {
  id: string;
  'aria-describedby': string | undefined;
  'aria-invalid': boolean | undefined;
}

export function Field(props: FieldProps & { control: (wiring: Wiring) => ComponentChildren }) {
  const { label, hint, error, bare, control } = props;
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ');
  const wiring = {
    id,
    'aria-describedby': described === '' ? undefined : described,
    'aria-invalid': error ? true : undefined,
  };
  return (
    <div class="field">
      <label for={id} class={bare ? 'unseen' : undefined}>
        {label}
      </label>
      {control(wiring)}
      {hint && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {error && (
        <p class="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
    </div>
  );
}

type InputProps = FieldProps & {
  value: string;
  onValue: (value: string) => void;
  type?: 'text' | 'password' | 'search';
  placeholder?: string;
  required?: boolean;
  numeric?: boolean;
  autocomplete?: 'off' | 'new-password';
};

export function TextField(props: InputProps) {
  const { label, hint, error, bare, value, onValue, numeric, type = 'text', ...rest } = props;
  const control = (wiring: Wiring): ComponentChildren => {
    const common = {
      autocomplete: 'off' as const,
      spellcheck: false,
      inputMode: numeric ? ('numeric' as const) : ('text' as const),
      ...rest,
      ...wiring,
      value,
      onInput: (event: Event) => onValue((event.currentTarget as HTMLInputElement).value),
    };
    if (type === 'password') return <input type="password" {...common} />;
    return type === 'search' ? <input type="search" {...common} /> : <input type="text" {...common} />;
  };
  return <Field label={label} hint={hint} error={error} bare={bare ?? false} control={control} />;
}

type SelectProps = FieldProps & {
  value: string;
  onValue: (value: string) => void;
  options: readonly { value: string; label: string }[];
  disabled?: boolean;
};

export function SelectField({ label, hint, error, bare, value, onValue, options, disabled }: SelectProps) {
  return (
    <Field
      label={label}
      hint={hint}
      error={error}
      bare={bare ?? false}
      control={wiring => (
        <select
          {...wiring}
          value={value}
          disabled={disabled}
          onChange={event => onValue(event.currentTarget.value)}
        >
          {options.map(option => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    />
  );
}

export function SearchField(props: { label: string; value: string; onValue: (value: string) => void }) {
  return (
    <div class="search">
      <TextField bare type="search" placeholder={props.label} {...props} />
    </div>
  );
}
