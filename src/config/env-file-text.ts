/** The text of an env file as entries: what each line sets, and everything else kept as it is. */

/** A stretch of the text; `key` where it is an assignment. Joined, the raws are the text. */
export interface EnvEntry {
  raw: string;
  key?: string;
  value?: string;
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*/;
const ESCAPED: Record<string, string> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\', $: '$' };
/** Written as they are: no shell, Docker or dotenv reader takes any of these for more than itself. */
const PLAIN = /^[A-Za-z0-9_./:@%+,=~-]*$/;

export function parseEnvText(text: string): EnvEntry[] {
  const entries: EnvEntry[] = [];
  for (let at = 0; at < text.length; ) {
    const entry = entryAt(text, at);
    entries.push(entry);
    at += entry.raw.length;
  }
  return entries;
}

/** The last assignment of a name counts. */
export function valuesOf(entries: readonly EnvEntry[]): Record<string, string> {
  const values = new Map<string, string>();
  for (const { key, value } of entries) if (key !== undefined) values.set(key, value ?? '');
  return Object.fromEntries(values);
}

/** Sets names where they stand, or at the end; other lines and their order stay. */
export function mergeEnvText(text: string, values: Readonly<Record<string, string>>): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const waiting = new Map(Object.entries(values));
  let merged = '';
  for (const { raw, key } of parseEnvText(text)) {
    if (key === undefined || !Object.hasOwn(values, key)) merged += raw;
    else if (waiting.has(key)) {
      merged += formatAssignment(key, waiting.get(key) as string) + eol;
      waiting.delete(key);
    }
  }
  if (merged !== '' && !merged.endsWith('\n') && waiting.size > 0) merged += eol;
  for (const [key, value] of waiting) merged += formatAssignment(key, value) + eol;
  return merged;
}

export function formatAssignment(key: string, value: string): string {
  if (PLAIN.test(value)) return `${key}=${value}`;
  const escaped = value
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')
    .replaceAll('$', '\\$');
  return `${key}="${escaped}"`;
}

function entryAt(text: string, start: number): EnvEntry {
  const lineEnd = endOfLine(text, start);
  const line = text.slice(start, lineEnd);
  const match = ASSIGNMENT.exec(line);
  if (!match) return { raw: line };
  const key = match[1] as string;
  const valueStart = start + match[0].length;
  const quote = text[valueStart];
  if (quote === '"' || quote === "'") {
    const close = closingQuote(text, valueStart);
    if (close >= 0) {
      const end = endOfLine(text, close);
      const inside = text.slice(valueStart + 1, close);
      return { raw: text.slice(start, end), key, value: quote === '"' ? resolveEscapes(inside) : inside };
    }
  }
  return { raw: line, key, value: unquoted(text.slice(valueStart, lineEnd)) };
}

/** A `#` begins a comment where white space is before it. */
function unquoted(rest: string): string {
  return rest.replace(/(?:^|[ \t])#.*$/m, '').trim();
}

function resolveEscapes(text: string): string {
  return text.replace(/\\(.)/gs, (whole, char: string) => ESCAPED[char] ?? whole);
}

/** Where the quote that opens at `open` closes, perhaps lines below; -1 where it never does. */
function closingQuote(text: string, open: number): number {
  const quote = text[open];
  for (let at = open + 1; at < text.length; at++) {
    if (text[at] === '\\' && quote === '"') at++;
    else if (text[at] === quote) return at;
  }
  return -1;
}

/** Past the newline that ends the line. */
function endOfLine(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline + 1;
}
