/** The form of a bridge's config, out of its manifest. */
import type { Bridge, BridgeField } from '../service/records.ts';

export type FormValues = Readonly<Record<string, string | boolean>>;

const URL_KEY = 'url';

/** Whether there is a choice between one URL and single fields. */
export function hasBothForms(bridge: Bridge | undefined): boolean {
  return bridge?.supportsUrl === true && bridge.fields.some(({ key }) => key !== URL_KEY);
}

/** What is asked for: the URL alone, or every field but the URL; of a bridge we know nothing of, its URL. */
export function fieldsOf(bridge: Bridge | undefined, byUrl: boolean): BridgeField[] {
  if (!bridge) return [urlField(null)];
  if (!bridge.supportsUrl) return bridge.fields;
  if (byUrl || !hasBothForms(bridge)) {
    return [bridge.fields.find(({ key }) => key === URL_KEY) ?? urlField(bridge.urlPlaceholder)];
  }
  return bridge.fields.filter(({ key }) => key !== URL_KEY);
}

/** The config to send: numbers as numbers, nothing for what was left empty. */
export function configOf(fields: readonly BridgeField[], values: FormValues): Record<string, unknown> {
  const config: Record<string, unknown> = {};
  for (const { key, type } of fields) {
    const value = values[key];
    if (value === undefined || value === '') continue;
    config[key] = type === 'number' ? Number(value) : value;
  }
  return config;
}

function urlField(placeholder: string | null): BridgeField {
  return { key: URL_KEY, label: 'URL', type: 'string', required: true, placeholder: placeholder ?? '' };
}
