/** Lists for scripts: tab-separated, nothing cut, nothing lost. */

const ESCAPES: Record<string, string> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };

/** One line, without its newline. */
export function tsvLine(values: readonly unknown[]): string {
  return values.map(tsvCell).join('\t');
}

/** Null and undefined are empty, several values are joined by commas, anything else that is not text is JSON. */
export function tsvCell(value: unknown): string {
  return textOf(value).replace(/[\\\t\n\r]/g, char => ESCAPES[char] as string);
}

/** A value as text, before any escaping. */
export function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(textOf).join(',');
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
