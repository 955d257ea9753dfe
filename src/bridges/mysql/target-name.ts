/** Names of targets: `table` or `database.table`, each part in backticks where it holds a dot or a backtick. */

/** Parts as they are named, or undefined for what is no such name. */
export function parseTargetName(target: string): string[] | undefined {
  const parts: string[] = [];
  const part = /(?:`((?:[^`]|``)+)`|([^`.]+))(\.|$)/y;
  for (;;) {
    const match = part.exec(target);
    if (!match) return undefined;
    parts.push(match[1]?.replaceAll('``', '`') ?? (match[2] as string));
    if (match[3] === '') return parts;
  }
}

export function formatTargetName(parts: readonly string[]): string {
  return parts.map(part => (/[`.]/.test(part) ? `\`${part.replaceAll('`', '``')}\`` : part)).join('.');
}
