/** Text from outside made safe to look at: what would move, hide or reverse other text is shown as its code. */

/** Control characters, direction overrides, and what has no width. */
const UNSEEN =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const SHORT: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

export function plain(text: string): string {
  return text.replace(UNSEEN, character => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return SHORT[character] ?? `\\u${code}`;
  });
}

/** As `plain`, cut at `limit` characters with a sign that it was. */
export function brief(text: string, limit: number): string {
  // Cut first: the rest of a very long text is never looked at.
  const cut = text.length > limit ? `${text.slice(0, limit)}…` : text;
  return plain(cut);
}

/** A value of a row, on one line. */
export function valueText(value: unknown): string {
  if (value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
