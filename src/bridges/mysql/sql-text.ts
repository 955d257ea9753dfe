/** Kysely's SQL for MySQL with the values in it, in the one spelling that no character set and no mode reads otherwise. */
import {
  DummyDriver,
  Kysely,
  MysqlAdapter,
  MysqlIntrospector,
  MysqlQueryCompiler,
  type RawBuilder,
} from 'kysely';

/**
 * Rows come as text only when the values are in the statement: answers to prepared statements are binary. A text is
 * its UTF-8 in hexadecimal, so that nothing a caller sends is ever read as SQL, whatever quotes and escapes mean.
 */
class LiteralCompiler extends MysqlQueryCompiler {
  protected override appendValue(value: unknown): void {
    this.append(literal(value));
  }
}

/** Compiles only: rows are read through the driver's own events. */
const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new MysqlAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: database => new MysqlIntrospector(database),
    createQueryCompiler: () => new LiteralCompiler(),
  },
});

/** The whole statement, values and all. */
export function compile(query: RawBuilder<unknown>): string {
  return query.compile(compiler).sql;
}

/** @throws Error for what cannot be a value: a defect of ours, never of the caller's. */
function literal(value: unknown): string {
  if (typeof value === 'string') return `_utf8mb4 X'${Buffer.from(value).toString('hex')}'`;
  if (Buffer.isBuffer(value)) return `X'${value.toString('hex')}'`;
  if (typeof value === 'bigint' || Number.isSafeInteger(value)) return String(value);
  throw new Error('a value of this type cannot stand in a statement');
}
