/** A question to a source: as the API takes it, as a command line, as curl. */

export interface QueryQuestion {
  target: string;
  where?: Record<string, unknown>;
  orderBy?: { field: string; dir: 'asc' | 'desc' }[];
  select?: string[];
  limit?: number;
}

/** One word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function asCommand(source: string, question: QueryQuestion): string {
  const { target, where, orderBy, select, limit } = question;
  const words = ['semilayer', 'query', source, target];
  if (where !== undefined) words.push('--where', JSON.stringify(where));
  if (orderBy?.length) words.push('--order-by', orderBy.map(({ field, dir }) => `${field}:${dir}`).join(','));
  if (select?.length) words.push('--select', select.join(','));
  if (limit !== undefined) words.push('--limit', String(limit));
  return words.map(shellWord).join(' ');
}

/** The key stays a variable: a command that is pasted somewhere should not carry one. */
export function asCurl(origin: string, source: string, question: QueryQuestion): string {
  return [
    `curl -N ${shellWord(`${origin}/v1/sources/${encodeURIComponent(source)}/query`)}`,
    '-H "Authorization: Bearer $SEMILAYER_API_KEY"',
    "-H 'Content-Type: application/json' -H 'Accept: application/x-ndjson'",
    `-d ${shellWord(JSON.stringify(question))}`,
  ].join(' \\\n  ');
}
