/** What tables and columns a SQLite database has: read once, and again when the schema changes. */
import type { SqliteDatabase } from '../../platform/sqlite.ts';
import type { TargetSchema } from '../bridge.ts';
import { nameDecoder, type TextEncoding, textDecoder } from './text.ts';

export interface ColumnInfo {
  name: string;
  /** As declared; empty where nothing was. */
  type: string;
  nullable: boolean;
  /** Position in the primary key from 1; 0 when it is no part of it. */
  keyPosition: number;
}

export interface TableInfo {
  name: string;
  columns: ColumnInfo[];
  /** A table of stored rows: reading one computes nothing, as a view, a virtual table or a generated column may. */
  plain: boolean;
  /** How rows are told apart: the row id under a name no column hides, the primary key, or not at all (views). */
  key: { by: 'rowid'; name: string } | { by: 'columns'; names: string[] } | { by: 'none' };
}

const ROWID_NAMES = ['rowid', '_rowid_', 'oid'];
/** Values of the `hidden` column in table_xinfo: a column of a virtual table that `select *` has not, and generated ones. */
const HIDDEN = 1;
const GENERATED = [2, 3];

export class Schema {
  readonly #tables = new Map<string, TableInfo>();
  #version: number | undefined;
  #encoding: TextEncoding = 'UTF-8';

  get encoding(): TextEncoding {
    return this.#encoding;
  }

  /** Names of tables and views, sorted. */
  targets(database: SqliteDatabase): string[] {
    this.#refresh(database);
    const decode = nameDecoder(this.#encoding);
    return database
      .prepare(
        `select cast(name as blob) from pragma_table_list
         where schema = 'main' and type in ('table', 'view', 'virtual') and name not like 'sqlite\\_%' escape '\\'
         order by name`,
      )
      .all([])
      .map(([name]) => decode(name))
      .filter(name => name !== undefined);
  }

  /** @throws Error naming a table that is not there. */
  table(database: SqliteDatabase, name: string): TableInfo {
    this.#refresh(database);
    const known = this.#tables.get(name);
    if (known) return known;
    const table = readTable(database, name, this.#encoding);
    this.#tables.set(name, table);
    return table;
  }

  #refresh(database: SqliteDatabase): void {
    const version = Number(database.prepare('pragma schema_version').all([])[0]?.[0] ?? 0);
    if (version === this.#version) return;
    this.#version = version;
    this.#tables.clear();
    const [encoding] = database.prepare('pragma encoding').all([])[0] ?? [];
    this.#encoding = encoding === 'UTF-16le' || encoding === 'UTF-16be' ? encoding : 'UTF-8';
  }
}

/** @throws Error naming a column that is not there: SQLite would take its quoted name for a text. */
export function columnOf(table: TableInfo, name: string): ColumnInfo {
  const column = table.columns.find(one => one.name === name);
  if (column) return column;
  throw new Error(`there is no column ${JSON.stringify(name)} in ${JSON.stringify(table.name)}`);
}

export function targetSchemaOf(table: TableInfo): TargetSchema {
  return {
    name: table.name,
    columns: table.columns.map(({ name, type, nullable, keyPosition }) => ({
      name,
      type,
      nullable,
      primaryKey: keyPosition > 0,
    })),
  };
}

/** Names are read as bytes, like every text: see `text.ts`. */
function readTable(database: SqliteDatabase, name: string, encoding: TextEncoding): TableInfo {
  const found = name.includes('\0')
    ? undefined
    : database
        .prepare(
          `select type, wr from pragma_table_list
           where schema = 'main' and name = ? and type in ('table', 'view', 'virtual')
           and name not like 'sqlite\\_%' escape '\\'`,
        )
        .all([name])[0];
  if (!found) throw new Error(`there is no table or view ${JSON.stringify(name.slice(0, 200))}`);
  const [type, withoutRowid] = found;
  const decodeName = nameDecoder(encoding);
  const decodeType = textDecoder(encoding);
  const rows = database
    .prepare(
      'select cast(name as blob), cast(type as blob), "notnull", pk, hidden from pragma_table_xinfo(?) order by cid',
    )
    .all([name])
    .filter(([, , , , hidden]) => Number(hidden) !== HIDDEN);
  const columns = rows.flatMap(([bytes, declared, notNull, position]): ColumnInfo[] => {
    const column = decodeName(bytes);
    if (column === undefined) return [];
    return [
      {
        name: column,
        type: decodeType(declared as Buffer),
        nullable: Number(notNull) === 0 && Number(position) === 0,
        keyPosition: Number(position),
      },
    ];
  });
  const plain = type === 'table' && rows.every(([, , , , hidden]) => !GENERATED.includes(Number(hidden)));
  return { name, columns, plain, key: keyOf(columns, String(type), Number(withoutRowid) === 1) };
}

function keyOf(columns: readonly ColumnInfo[], type: string, withoutRowid: boolean): TableInfo['key'] {
  if (type === 'view') return { by: 'none' };
  if (withoutRowid) {
    const key = columns
      .filter(column => column.keyPosition > 0)
      .sort((a, b) => a.keyPosition - b.keyPosition);
    return { by: 'columns', names: key.map(column => column.name) };
  }
  const taken = new Set(columns.map(column => column.name.toLowerCase()));
  const name = ROWID_NAMES.find(one => !taken.has(one));
  return name === undefined ? { by: 'none' } : { by: 'rowid', name };
}
