/** MySQL and MariaDB without us: the floor is the driver's stream with no value decoded. */
import { once } from 'node:events';
import { createPool } from 'mysql2/promise';

export const FLOOR = 'stream, values as bytes';
export const DRIVER = 'mysql2';

export async function setUp(url, rows) {
  const pool = createPool({ uri: url, connectionLimit: 1 });
  try {
    await pool.query(`create table people (id bigint primary key, name varchar(64) not null, email varchar(64) not null,
      amount decimal(12,2) not null, created_at timestamp not null, attributes json not null)`);
    // A hundred digits of the decimal system, joined: a recursive query would need its depth raised.
    const digits =
      '(select 0 as d union all select 1 union all select 2 union all select 3 union all select 4 union all select 5 union all select 6 union all select 7 union all select 8 union all select 9)';
    const places = Math.max(1, String(rows).length);
    const number = Array.from({ length: places }, (_, place) => `d${place}.d * ${10 ** place}`).join(' + ');
    const from = Array.from({ length: places }, (_, place) => `${digits} as d${place}`).join(' cross join ');
    await pool.query(`insert into people select id, concat('Person number ', id), concat('person.', id, '@example.com'),
      (id % 1000000) / 100, timestamp '2020-01-01 00:00:00' + interval (id * 3 div 2) second,
      json_object('plan', 'basic', 'seats', id % 50) from (select 1 + ${number} as id from ${from}) as ids where id <= ${rows}`);
    await pool.query('analyze table people');
    const [answer] = await pool.query('select version() as version');
    return /mariadb/i.test(answer[0].version)
      ? `MariaDB ${answer[0].version.split('-')[0]}`
      : `MySQL ${answer[0].version}`;
  } finally {
    await pool.end();
  }
}

export async function open(url) {
  const pool = createPool({ uri: url, connectionLimit: 2, supportBigNumbers: true });
  const rowsOf = async (way, text, values = []) => (await pool[way](text, values))[0];
  const count = async (where, values) =>
    Number((await rowsOf('query', `select count(*) as total from people ${where}`, values))[0].total);
  return {
    async floor(tally, onFirstRow) {
      const connection = await pool.getConnection();
      try {
        const rows = connection.connection
          .query({ sql: 'select * from people', rowsAsArray: true, typeCast: field => field.buffer() })
          .stream({ highWaterMark: 1_000 });
        rows.once('data', onFirstRow).on('data', row => tally.id(Number(row[0])));
        await once(rows, 'end');
      } finally {
        connection.release();
      }
    },
    all: () => rowsOf('query', 'select * from people'),
    count: () => count('', []),
    byKey: id => rowsOf('execute', 'select * from people where id = ?', [id]),
    first: limit => rowsOf('execute', `select * from people order by id limit ${limit}`),
    public: {
      byKey: async id => {
        const rows = await rowsOf('query', 'select * from people where id = ?', [id]);
        await count('where id = ?', [id]);
        return rows;
      },
      first: async limit => {
        const rows = await rowsOf('query', `select * from people order by id limit ${limit}`);
        await count('', []);
        return rows;
      },
    },
    close: () => pool.end(),
  };
}
