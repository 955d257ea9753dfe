/** The last net under every message: what looks like a secret does not get out, whoever put it there. */

const RULES: readonly [pattern: RegExp, instead: string][] = [
  // Tokens and keys of ours; fingerprints (`rk_…AbCd:1a2b3c4d`) have another form.
  [/\b(rk|sk)_[0-9A-Za-z]{16,}/g, '$1_[redacted]'],
  // The password in a URL, and the user beside it; not the words that stand for them in a hint.
  [/\b([a-z][a-z0-9+.-]*:\/\/)(?!user:password@)[^\s/?#@"']*:[^\s/?#@"']*@/gi, '$1[redacted]@'],
  [/\b(authorization:\s*(?:bearer|basic))\s+\S+/gi, '$1 [redacted]'],
];

/** The text, with `[redacted]` in place of tokens, keys and passwords in URLs. */
export function redact(text: string): string {
  return RULES.reduce((safe, [pattern, instead]) => safe.replace(pattern, instead), text);
}
