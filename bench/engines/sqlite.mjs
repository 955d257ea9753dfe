/** SQLite without us: the floor is the driver's own iterator, its rows made into lines. */
import Database from 'libsql';

export const FLOOR = 'iterate, rows as arrays';
export const DRIVER = 'libsql';

/** SQLite lives where it is read: a step this large lets nothing else run for long. */
export async function setUp(file, rows) {
  const database = new Database(file);
  try {
    database.exec('pragma journal_mode = off; pragma synchronous = off');
    database.exec(`
      create table people (id integer primary key, name text not null, email text not null, amount numeric not null,
        created_at text not null, attributes json not null);
      with recursive ids(id) as (select 1 union all select id + 1 from ids where id < ${rows})
      insert into people select id, 'Person number ' || id, 'person.' || id || '@example.com', (id % 1000000) / 100.0,
        strftime('%Y-%m-%dT%H:%M:%SZ', 1577836800 + id * 3 / 2, 'unixepoch'),
        '{"plan":"basic","seats":' || (id % 50) || '}' from ids;
      pragma journal_mode = delete`);
    return `SQLite ${database.prepare('select sqlite_version() as version').get().version}`;
  } finally {
    database.close();
  }
}

export async function open(file) {
  const database = new Database(file, { readonly: true });
  const all = database.prepare('select * from people');
  const arrays = database.prepare('select * from people').raw(true);
  const byKey = database.prepare('select * from people where id = ?');
  const count = database.prepare('select count(*) as total from people');
  const countByKey = database.prepare('select count(*) as total from people where id = ?');
  const firstOf = limit => database.prepare(`select * from people order by id limit ${limit}`);
  const statements = new Map();
  const first = limit => {
    if (!statements.has(limit)) statements.set(limit, firstOf(limit));
    return statements.get(limit).all();
  };
  return {
    async floor(tally, onFirstRow) {
      for (const row of arrays.iterate()) {
        if (tally.rows === 0) onFirstRow();
        tally.id(row[0]);
      }
    },
    all: async () => all.all(),
    count: async () => count.get().total,
    byKey: async id => byKey.all(id),
    first: async limit => first(limit),
    public: {
      byKey: async id => {
        const rows = byKey.all(id);
        countByKey.get(id);
        return rows;
      },
      first: async limit => {
        const rows = first(limit);
        count.get();
        return rows;
      },
    },
    close: async () => database.close(),
  };
}
