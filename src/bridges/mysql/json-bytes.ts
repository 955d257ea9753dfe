/** Whether bytes are JSON: what `JSON.parse` would say, without making a value of them. */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const MINUS = 0x2d;
const PLUS = 0x2b;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** Letters that may stand behind a backslash. */
const ESCAPED = new Uint8Array(256);
for (const letter of '"\\/bfnrt') ESCAPED[letter.charCodeAt(0)] = 1;
const HEX = new Uint8Array(256);
for (const digit of '0123456789abcdefABCDEF') HEX[digit.charCodeAt(0)] = 1;

const WORDS = new Map(['true', 'false', 'null'].map(word => [word.charCodeAt(0), Buffer.from(word)]));

/** The text that is looked at, and the place in it: functions that return at once need no object of their own. */
let bytes: Buffer = Buffer.alloc(0);
let at = 0;

/** @param levels that arrays and objects may nest. */
export function isJson(value: Buffer, levels: number): boolean {
  bytes = value;
  at = 0;
  blank();
  const whole = element(levels);
  blank();
  const valid = whole && at === value.length;
  bytes = Buffer.alloc(0);
  return valid;
}

function element(levels: number): boolean {
  const byte = bytes[at];
  switch (byte) {
    case QUOTE:
      return string();
    case 0x7b:
      return levels > 0 && members(0x7d, levels - 1, true);
    case 0x5b:
      return levels > 0 && members(0x5d, levels - 1, false);
    case undefined:
      return false;
    default:
      return byte === MINUS || (byte >= ZERO && byte <= NINE) ? number() : word(byte);
  }
}

/** An object or array, from its opening bracket to behind its closing one. */
function members(close: number, levels: number, named: boolean): boolean {
  at++;
  blank();
  if (bytes[at] === close) return skip();
  for (;;) {
    if (named) {
      if (bytes[at] !== QUOTE || !string()) return false;
      blank();
      if (bytes[at++] !== COLON) return false;
      blank();
    }
    if (!element(levels)) return false;
    blank();
    if (bytes[at] === close) return skip();
    if (bytes[at++] !== COMMA) return false;
    blank();
  }
}

function string(): boolean {
  at++;
  for (;;) {
    const byte = bytes[at++];
    if (byte === QUOTE) return true;
    if (byte === undefined || byte < 0x20) return false;
    if (byte === BACKSLASH && !escapeSequence()) return false;
  }
}

function escapeSequence(): boolean {
  const letter = bytes[at++] ?? 0;
  if (letter !== 0x75) return ESCAPED[letter] === 1;
  for (let digit = 0; digit < 4; digit++) if (HEX[bytes[at++] ?? 0] !== 1) return false;
  return true;
}

function number(): boolean {
  if (bytes[at] === MINUS) at++;
  if (bytes[at] === ZERO) at++;
  else if (!digits()) return false;
  if (bytes[at] === POINT) {
    at++;
    if (!digits()) return false;
  }
  const exponent = bytes[at];
  if (exponent !== 0x65 && exponent !== 0x45) return true;
  at++;
  if (bytes[at] === MINUS || bytes[at] === PLUS) at++;
  return digits();
}

function digits(): boolean {
  const start = at;
  for (let byte = bytes[at]; byte !== undefined && byte >= ZERO && byte <= NINE; byte = bytes[at]) at++;
  return at > start;
}

function word(first: number): boolean {
  const expected = WORDS.get(first);
  if (!expected) return false;
  for (const letter of expected) if (bytes[at++] !== letter) return false;
  return true;
}

function blank(): void {
  for (
    let byte = bytes[at];
    byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    byte = bytes[at]
  )
    at++;
}

function skip(): boolean {
  at++;
  return true;
}
