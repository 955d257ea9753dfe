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
import { likePattern, type PatternPart, SIGNS, type WhereDialect } from '../compile-where.ts';

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

/** @param columnNamed the column of that name; throws where the table has none. */
export function sqliteDialect(columnNamed: (name: string) => { name: string }): WhereDialect {
  const column = (field: string): RawBuilder<unknown> => sql`${sql.id(columnNamed(field).name)}`;
  return {
    column,
    compare: (field, op, value) => sql`${column(field)} ${sql.raw(SIGNS[op])} ${bound(value)}`,
    isIn: (field, values, negated) => {
      const list = values.map(value => (value === null ? sql`null` : bound(value)));
      return sql`${column(field)} ${sql.raw(negated ? 'not in' : 'in')} (${sql.join(list)})`;
    },
    matches: (field, pattern, caseSensitive) => {
      if (pattern.some(part => 'text' in part && part.text.includes('\0'))) {
        throw new Error('SQLite cannot match a pattern that holds a NUL');
      }
      // LIKE folds ASCII letters and cannot be told not to for one expression; GLOB never folds.
      return caseSensitive
        ? sql`${column(field)} glob ${bound(globPattern(pattern))}`
        : sql`${column(field)} like ${bound(likePattern(pattern))} escape '\\'`;
    },
  };
}

/** The driver ends a text at its first NUL, so NULs travel as a character the text has not, and are put back. */
export function bound(value: string | number | bigint | boolean | Buffer): RawBuilder<unknown> {
  if (typeof value !== 'string' || !value.includes('\0')) return sql`${value}`;
  let code = 1;
  while (value.includes(String.fromCharCode(code))) code++;
  const standIn = String.fromCharCode(code);
  return sql`replace(${value.replaceAll('\0', standIn)}, ${standIn}, char(0))`;
}

function globPattern(parts: readonly PatternPart[]): string {
  return parts
    .map(part => ('text' in part ? part.text.replace(/[*?[]/g, '[$&]') : part.wildcard === 'any' ? '*' : '?'))
    .join('');
}
