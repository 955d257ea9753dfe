/** The tables that every bridge is asked about, and the SQL that makes them where SQL does. */

export type ColumnType = 'integer' | 'real' | 'text';
export type CellValue = number | string | null;

export interface ConformanceTable {
  name: string;
  columns: { name: string; type: ColumnType; nullable: boolean; primaryKey: boolean }[];
  rows: Record<string, CellValue>[];
}

const column = (
  name: string,
  type: ColumnType,
  role?: 'key' | 'optional',
): ConformanceTable['columns'][number] => ({
  name,
  type,
  nullable: role === 'optional',
  primaryKey: role === 'key',
});

/** Words whose order is the same in every collation; notes full of what LIKE, quotes and encodings trip over. */
const WORDS = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox'];
const NOTES = [
  '100%',
  '50_50',
  'a\\b',
  "it's",
  '"quoted"',
  'Straße',
  'naïve café',
  '東京',
  '😀 ok',
  'UPPER case',
  'x',
  '',
];

const PEOPLE: ConformanceTable = {
  name: 'conformance_people',
  columns: [
    column('id', 'integer', 'key'),
    column('name', 'text'),
    column('age', 'integer', 'optional'),
    column('score', 'real', 'optional'),
    column('note', 'text', 'optional'),
    column('version', 'integer'),
  ],
  rows: Array.from({ length: 60 }, (_, index) => ({
    id: index + 1,
    name: WORDS[index % WORDS.length] as string,
    age: index % 7 === 3 ? null : (index * 5) % 11,
    score: index % 5 === 4 ? null : (index % 8) * 0.25 - 0.5,
    note: index % 6 === 5 ? null : (NOTES[index % NOTES.length] as string),
    version: 1_000 - index,
  })),
};

const PAIRS: ConformanceTable = {
  name: 'conformance_pairs',
  columns: [
    column('part', 'text', 'key'),
    column('line', 'integer', 'key'),
    column('amount', 'integer', 'optional'),
  ],
  rows: WORDS.flatMap((part, index) =>
    Array.from({ length: 5 + index }, (_, line) => ({
      part,
      line: line * 3,
      amount: line % 2 ? null : line,
    })),
  ),
};

const EMPTY: ConformanceTable = {
  name: 'conformance_empty',
  columns: [column('id', 'integer', 'key'), column('label', 'text', 'optional')],
  rows: [],
};

export const TABLES = { people: PEOPLE, pairs: PAIRS, empty: EMPTY };

export interface SqlDialect {
  /** Types in place of `integer`, `double precision` and `varchar(200)`. */
  types?: Partial<Record<ColumnType, string>>;
  /** A text as a literal; the default doubles its quotes. */
  literal?: (text: string) => string;
}

/**
 * Statements that make the tables and fill them.
 *
 * @example for (const statement of sqlOf(tables)) await pool.query(statement);
 */
export function sqlOf(tables: readonly ConformanceTable[], dialect: SqlDialect = {}): string[] {
  const types = { integer: 'integer', real: 'double precision', text: 'varchar(200)', ...dialect.types };
  const quote = dialect.literal ?? (text => `'${text.replaceAll("'", "''")}'`);
  const literal = (value: CellValue | undefined): string =>
    value === null || value === undefined ? 'null' : typeof value === 'number' ? String(value) : quote(value);
  return tables.flatMap(({ name, columns, rows }) => {
    const key = columns.filter(one => one.primaryKey).map(one => one.name);
    const defined = columns.map(one => `${one.name} ${types[one.type]}${one.nullable ? '' : ' not null'}`);
    const values = rows.map(row => `(${columns.map(one => literal(row[one.name])).join(', ')})`);
    return [
      `create table ${name} (${defined.join(', ')}, primary key (${key.join(', ')}))`,
      ...(values.length === 0 ? [] : [`insert into ${name} values ${values.join(', ')}`]),
    ];
  });
}
