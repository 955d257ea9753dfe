/** Columns as texts in SQL: in their own character set where an index is to be used, in UTF-8 where bytes must be equal. */
import { type RawBuilder, sql } from 'kysely';
import type { ColumnInfo } from './column.ts';

type Piece = RawBuilder<unknown>;

/** Beyond the basic plane, which the three-byte UTF-8 of old tables cannot hold. */
const ASTRAL = /[\u{10000}-\u{10ffff}]/u;
const THREE_BYTE = ['utf8', 'utf8mb3'];

/** The column as a text in its own character set. */
export function textOf(column: ColumnInfo): Piece {
  return column.charset === null ? spelled(column) : sql.id(column.name);
}

/** The column as a text in UTF-8: the one that it crosses as. */
export function inUtf8(column: ColumnInfo): Piece {
  if (column.charset === 'utf8mb4') return sql.id(column.name);
  return column.charset === null ? spelled(column) : sql`convert(${sql.id(column.name)} using utf8mb4)`;
}

/** The text beside a column of texts in a comparison for equality that an index may answer. */
export function equalText(column: ColumnInfo, text: string): Piece {
  const { charset, collation } = column;
  if (charset === null || collation === null || charset === 'utf8mb4') return sql`${text}`;
  // Letters that the character set lacks become question marks: the comparison of bytes beside this one tells.
  return sql`convert(${text} using ${sql.raw(charset)}) collate ${sql.raw(collation)}`;
}

/**
 * Both sides of a comparison by order, under the column's collation; under the server's own for UTF-8 where the text
 * has letters that the column's character set lacks. Enumerations compare as texts, though they sort by position.
 */
export function comparableText(column: ColumnInfo, text: string): { left: Piece; right: Piece } {
  const { charset, kind } = column;
  if (kind.is === 'enum') return { left: sql`concat(${inUtf8(column)})`, right: sql`${text}` };
  const isHeld =
    charset === null ||
    charset === 'utf8mb4' ||
    (THREE_BYTE.includes(charset) ? !ASTRAL.test(text) : Buffer.byteLength(text) === text.length);
  return isHeld
    ? { left: textOf(column), right: equalText(column, text) }
    : { left: inUtf8(column), right: sql`${text}` };
}

/** What is no text as the text that it crosses as. */
function spelled({ name, kind, type }: ColumnInfo): Piece {
  const column = sql.id(name);
  const char = (value: Piece): Piece => sql`cast(${value} as char character set utf8mb4)`;
  switch (kind.is) {
    case 'exact':
      return char(/^bit/i.test(type) ? sql`${column} + 0` : column);
    case 'float':
      return char(sql`${column} + 0e0`);
    case 'datetime':
      return sql`replace(${char(column)}, ' ', 'T')`;
    case 'timestamp':
      return sql`concat(replace(${char(column)}, ' ', 'T'), 'Z')`;
    default:
      return char(column);
  }
}
