/** Columns of a key: in a form that comes back unchanged, and as literals that compare in the order they are sorted in. */
import { type RawBuilder, sql } from 'kysely';
import type { ColumnInfo } from './column.ts';
import { equalText } from './text.ts';

type Piece = RawBuilder<unknown>;

/** Enumerations, sets and bits sort by their numbers, and a FLOAT has more digits than its text. */
export function keyColumn(column: ColumnInfo): Piece {
  const name = sql.id(column.name);
  if (column.kind.is === 'float') return sql`${name} + 0e0`;
  return column.kind.is === 'enum' || /^bit/i.test(column.type) ? sql`${name} + 0` : name;
}

/** @param value as the server sent it. */
export function keyLiteral(column: ColumnInfo, value: Buffer): Piece {
  const text = value.toString();
  switch (column.kind.is) {
    case 'text':
      return equalText(column, text);
    case 'exact':
    case 'year':
    case 'enum':
      return sql.raw(held(text, /^-?\d+(?:\.\d+)?$/));
    case 'float':
    case 'double':
      return sql.raw(doubled(held(text, /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i)));
    case 'date':
      return sql`DATE${sql.raw(`'${held(text, /^[\d-]+$/)}'`)}`;
    case 'datetime':
    case 'timestamp':
      return sql`TIMESTAMP${sql.raw(`'${held(text, /^[\d :.-]+$/)}'`)}`;
    case 'time':
      return sql`TIME${sql.raw(`'${held(text, /^[\d:.-]+$/)}'`)}`;
    case 'binary':
      return sql`${value}`;
    default:
      return sql`${text}`;
  }
}

function doubled(text: string): string {
  return /e/i.test(text) ? text : `${text}e0`;
}

/** @throws Error where a cursor, which a caller may have written, holds what no column of this type has. */
function held(text: string, form: RegExp): string {
  if (form.test(text)) return text;
  throw new Error('the cursor is not one that a page of this table gave');
}
