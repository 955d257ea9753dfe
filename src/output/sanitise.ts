/** Text from outside, made harmless to a terminal: nothing in it moves the cursor, colours or reorders what is shown. */

/** C0, DEL, C1, line separators, and the characters that change the direction of text. */
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** The text with every control character and direction override written out (`\n`, `\x1b`, `\u202e`). */
export function sanitise(text: string): string {
  return text.replace(UNSAFE, char => NAMED[char] ?? escapeOf(char));
}

/** Like `sanitise`, but line breaks stay: continuation lines are indented, so that none can pose as a line of ours. */
export function sanitiseLines(text: string, indent = '  '): string {
  return text
    .split('\n')
    .map(line => sanitise(line))
    .join(`\n${indent}`);
}

/** JSON text with the same characters as `\uXXXX`: the same document, harmless to a terminal. */
export function sanitiseJson(json: string): string {
  return json.replace(UNSAFE, char => (char === '\n' ? char : unicodeEscapeOf(char)));
}

function escapeOf(char: string): string {
  const code = char.charCodeAt(0);
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : unicodeEscapeOf(char);
}

function unicodeEscapeOf(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
