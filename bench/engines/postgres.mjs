/** Postgres without us: the floor is COPY, which sends its text and nothing else. */
import { once } from 'node:events';
import pg from 'pg';
import { to as copyTo } from 'pg-copy-streams';

export const FLOOR = 'COPY … TO STDOUT';
export const DRIVER = 'pg';

export function createTable(rows) {
  return [
    `create table people (id bigint, name text, email text, amount numeric(12,2), created_at timestamptz, attributes jsonb)`,
    `insert into people select id, 'Person number ' || id, 'person.' || id || '@example.com', (id % 1000000)::numeric / 100,
       timestamptz '2020-01-01 00:00:00+00' + id * interval '1.5 second', jsonb_build_object('plan', 'basic', 'seats', id % 50)
     from generate_series(1, ${rows}) as id`,
    'alter table people add primary key (id)',
    'vacuum (freeze, analyze) people',
  ];
}

export async function setUp(url, rows) {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const statement of createTable(rows)) await client.query(statement);
    const { rows: answer } = await client.query('show server_version');
    return `PostgreSQL ${answer[0].server_version.split(' ')[0]}`;
  } finally {
    await client.end();
  }
}

export async function open(url) {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  await pool.query('select 1');
  const key = id => ({ name: 'by_key', text: 'select * from people where id = $1', values: [id] });
  const first = limit => ({
    name: `first_${limit}`,
    text: `select * from people order by id limit ${limit}`,
    values: [],
  });
  const unnamed = ({ text, values }) => ({ text, values });
  const count = async (where, values) =>
    Number((await pool.query(`select count(*) from people ${where}`, values)).rows[0].count);
  return {
    async floor(tally, onFirstRow) {
      const client = await pool.connect();
      try {
        const rows = client.query(copyTo('copy people to stdout', { highWaterMark: 262_144 }));
        rows.once('data', onFirstRow).on('data', chunk => tally.lines(chunk));
        await once(rows, 'end');
      } finally {
        client.release();
      }
    },
    all: async () => (await pool.query('select * from people')).rows,
    count: () => count('', []),
    byKey: async id => (await pool.query(key(id))).rows,
    first: async limit => (await pool.query(first(limit))).rows,
    /** As the public bridge asks: a statement planned anew, and a count beside it. */
    public: {
      byKey: async id => {
        const { rows } = await pool.query(unnamed(key(id)));
        await count('where id = $1', [id]);
        return rows;
      },
      first: async limit => {
        const { rows } = await pool.query(unnamed(first(limit)));
        await count('', []);
        return rows;
      },
    },
    close: () => pool.end(),
  };
}
