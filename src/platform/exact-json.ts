/** JSON as people write it: an integer that no number holds exactly keeps its digits. */

/** From sixteen digits on a number may be another one than was written. */
const LONG = /\d{16}/;
/** Strings, so that nothing in them is taken for a number, and numbers. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;
const INTEGER = /^-?\d{16,}$/;

/**
 * As JSON.parse, but 9007199254740993 is the string `9007199254740993`, which is how such integers cross everywhere:
 * as a number it would be 9007199254740992, and a filter would find the wrong row.
 *
 * @throws SyntaxError for what is no JSON.
 */
export function parseExactJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (!LONG.test(text)) return value;
  return JSON.parse(text.replace(TOKEN, token => (isInexact(token) ? `"${token}"` : token)));
}

/** Held by no number, or by one that would be written with other digits where it goes on (2^60 as …847000). */
function isInexact(token: string): boolean {
  if (!INTEGER.test(token)) return false;
  const value = Number(token);
  return String(value) !== token || BigInt(value) !== BigInt(token);
}
