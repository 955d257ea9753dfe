/** Names of tables as people and `listTargets` write them: `orders`, `sales.orders`, `"My schema"."a.b"`. */

/** A part that must be quoted to be read back as one. */
const NEEDS_QUOTES = /[."]|^$/;

/** The name's parts, of which none is folded: a quoted part is what is between its quotes, another what it is. */
export function parseTargetName(target: string): string[] {
  const parts: string[] = [];
  let rest = target;
  for (;;) {
    const quoted = /^"((?:[^"]|"")*)"(?:\.|$)/.exec(rest);
    const [whole, part] = quoted ?? /^([^."]*)(?:\.|$)/.exec(rest) ?? [];
    // A stray quote: the name as it is, for a table may be called that.
    if (whole === undefined || part === undefined) return [target];
    parts.push(quoted ? part.replaceAll('""', '"') : part);
    rest = rest.slice(whole.length);
    if (!whole.endsWith('.')) return parts;
  }
}

export function formatTargetName(parts: readonly string[]): string {
  return parts.map(part => (NEEDS_QUOTES.test(part) ? `"${part.replaceAll('"', '""')}"` : part)).join('.');
}
