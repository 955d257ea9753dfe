/** The inputs of a bridge's config, as its manifest describes them. */
import type { Bridge, BridgeField } from '../service/records.ts';
import { type FormValues, fieldsOf, hasBothForms } from '../text/bridge-form.ts';
import { Chips } from '../ui/chips.tsx';
import { TextField } from '../ui/field.tsx';

export function BridgeFields(props: {
  bridge: Bridge | undefined;
  byUrl: boolean;
  onByUrl: (byUrl: boolean) => void;
  values: FormValues;
  onValues: (values: FormValues) => void;
}) {
  const { bridge, byUrl, onByUrl, values, onValues } = props;
  return (
    <div class="stack">
      {hasBothForms(bridge) && (
        <Chips
          legend="Form of the credentials"
          value={byUrl ? 'url' : 'fields'}
          onValue={value => onByUrl(value === 'url')}
          chips={[
            { value: 'url', label: 'One URL' },
            { value: 'fields', label: 'Single fields' },
          ]}
        />
      )}
      {fieldsOf(bridge, byUrl).map(field => (
        <BridgeInput
          key={field.key}
          field={field}
          value={values[field.key]}
          onValue={value => onValues({ ...values, [field.key]: value })}
        />
      ))}
    </div>
  );
}

function BridgeInput(props: {
  field: BridgeField;
  value: string | boolean | undefined;
  onValue: (value: string | boolean) => void;
}) {
  const { field, value, onValue } = props;
  if (field.type === 'boolean') {
    return (
      <label class="tick">
        <input
          type="checkbox"
          checked={value === true}
          onChange={event => onValue(event.currentTarget.checked)}
        />
        <span>{field.label}</span>
      </label>
    );
  }
  return (
    <TextField
      label={field.label}
      type={field.type === 'password' ? 'password' : 'text'}
      numeric={field.type === 'number'}
      autocomplete={field.type === 'password' ? 'new-password' : 'off'}
      required={field.required === true}
      placeholder={field.placeholder ?? ''}
      value={typeof value === 'string' ? value : ''}
      onValue={onValue}
    />
  );
}
