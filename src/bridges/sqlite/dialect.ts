/** SQLite's own way of saying what the filters mean, and the compiler that quotes and numbers. */
import {
  type CompiledQuery,
  DummyDriver,
  Kysely,
  type RawBuilder,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from 'kysely';
import { likePattern, type PatternPart, type WhereDialect } from '../compile-where.ts';

/** Compiles only: rows are read through the driver's own cursor. */
const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: database => new SqliteIntrospector(database),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

export function compile(query: RawBuilder<unknown>): CompiledQuery {
  return query.compile(compiler);
}

export const sqliteDialect: WhereDialect = {
  column: field => sql`${sql.id(field)}`,
  value: bound,
  matches: (column, pattern, caseSensitive) =>
    // LIKE folds ASCII letters and cannot be told not to for one expression; GLOB never folds.
    caseSensitive
      ? sql`${column} glob ${bound(globPattern(pattern))}`
      : sql`${column} like ${bound(likePattern(pattern))} escape '\\'`,
};

/** The driver ends a text at its first NUL, so such a text goes in as bytes. */
export function bound(value: string | number | bigint | boolean | Buffer): RawBuilder<unknown> {
  if (typeof value === 'string' && value.includes('\0')) return sql`cast(${Buffer.from(value)} as text)`;
  return sql`${value}`;
}

function globPattern(parts: readonly PatternPart[]): string {
  return parts
    .map(part => ('text' in part ? part.text.replace(/[*?[]/g, '[$&]') : part.wildcard === 'any' ? '*' : '?'))
    .join('');
}
