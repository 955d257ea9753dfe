/** Reading a large SQLite table, in this thread and by a reader process, beside the driver alone and objects per row. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { median, spreadOf } from './figures.ts';
import { builtModule } from './program.mjs';
import { Report } from './report.ts';

const report = new Report('sqlite', { rows: [1_000_000, 200_000], rounds: [3, 3] });
const { rows, rounds } = report.settings;
const { resolveBridge } = await builtModule('runner.js');
const directory = await mkdtemp(join(tmpdir(), 'semilayer-bench-'));
const file = join(directory, 'large.db');
const smallFile = join(directory, 'small.db');
const COLUMNS = ['id', 'name', 'email', 'amount', 'created', 'extra'];

write(file, rows);
// As large as a file may be that is still read in the runner's own thread.
write(smallFile, 85_000);
const SqliteBridge = await resolveBridge('sqlite');
const byReader = new SqliteBridge({ url: file });
// Without a reader to start, the bridge reads here whatever the size.
const here = new SqliteBridge({ url: file }, { program: () => undefined });
const small = new SqliteBridge({ url: smallFile });
process.on('warning', () => {});
const driver = new Database(`file://${file}?mode=ro`);
const asBytes = column =>
  `case typeof(${column}) when 'text' then cast(${column} as blob) when 'blob' then hex(${column}) else ${column} end`;
const select = `select ${COLUMNS.map(asBytes)} from data`;

const streams = {
  'driver alone': () => iterate(() => 0),
  'an object a row, then JSON': () => iterate(textOfObject),
  'bridge, this thread': () => stream(here),
  'bridge, reader process': () => stream(byReader),
};
const samples = new Map(Object.keys(streams).map(name => [name, []]));
await here.count('data');
await byReader.count('data');
for (let round = 0; round < rounds; round++) {
  for (const [name, read] of Object.entries(streams)) samples.get(name).push(await read());
}
const rates = name => samples.get(name).map(({ ms }) => (rows / ms) * 1_000);
report.version('SQLite', driver.prepare('select sqlite_version() as version').get().version);
report.add({
  name: 'streams',
  title: 'read',
  columns: [
    { key: 'rate', title: 'rows/s', thousands: true, better: 'more' },
    { key: 'first', title: 'first batch ms', digits: 1 },
    { key: 'ratio', title: '× driver', digits: 2 },
  ],
  rows: [...samples].map(([name, all]) => ({
    label: name,
    side: name.startsWith('bridge') ? 'ours' : name === 'driver alone' ? 'floor' : 'peer',
    values: {
      rate: spreadOf(rates(name)),
      first: all[0].firstMs === undefined ? undefined : median(all.map(one => one.firstMs)),
      ratio: median(rates(name)) / median(rates('driver alone')),
    },
  })),
});

const megabytes = ((await stat(smallFile)).size / 1_048_576).toFixed(1);
const filter = { where: { email: { $contains: 'zz' } } };
const byKey = { where: { id: 77 } };
const questions = {
  'count with a filter, large file, this thread': () => here.count('data', filter),
  'count with a filter, large file, reader process': () => byReader.count('data', filter),
  'sort without an index, large file, this thread': () => sorted(here),
  'sort without an index, large file, reader process': () => sorted(byReader),
  [`count with a filter, file of ${megabytes} MiB, this thread`]: () => small.count('data', filter),
  [`sort without an index, file of ${megabytes} MiB, this thread`]: () => sorted(small),
  'one row by its key, large file, reader process': () => byReader.query('data', byKey),
  'one row by its key, small file, this thread': () => small.query('data', byKey),
};
report.add({
  name: 'questions',
  title: 'question',
  columns: [
    { key: 'ms', title: 'ms', digits: 2 },
    { key: 'heldUp', title: 'this thread held up for ms', digits: 1 },
  ],
  rows: await timed(questions),
});
await Promise.all([byReader, here, small].map(bridge => bridge.disconnect()));
driver.close();
await rm(directory, { recursive: true, force: true });
report.finish();

function write(path, count) {
  const database = new Database(path);
  database.exec(`pragma journal_mode = wal;
    create table data (id integer primary key, name text, email text, amount real, created text, extra text);
    with recursive counted (n) as (select 1 union all select n + 1 from counted where n < ${count})
    insert into data select n, 'customer ' || n, 'customer' || n || '@example.com', n * 1.25, '2026-01-01T00:00:00Z',
      '{"a":' || n || '}' from counted;
    pragma wal_checkpoint(truncate)`);
  database.close();
}

function iterate(use) {
  const started = performance.now();
  for (const row of driver.prepare(select).safeIntegers(true).raw(true).iterate()) use(row);
  return { ms: performance.now() - started };
}

function textOfObject(values) {
  const row = {};
  for (let index = 0; index < COLUMNS.length; index++) {
    const value = values[index];
    row[COLUMNS[index]] =
      typeof value === 'bigint' ? Number(value) : Buffer.isBuffer(value) ? value.toString() : value;
  }
  return JSON.stringify(row).length;
}

async function stream(bridge) {
  await bridge.query('data', { limit: 1 });
  const started = performance.now();
  let firstMs;
  let count = 0;
  for await (const batch of bridge.stream('query', 'data')) {
    firstMs ??= performance.now() - started;
    count += batch.count;
  }
  if (count !== rows) throw new Error(`${count} rows of ${rows}`);
  return { ms: performance.now() - started, firstMs };
}

/** The first of all rows in the order of a column that has no index. */
async function sorted(bridge) {
  const stream = bridge.stream('query', 'data', { orderBy: { field: 'email', dir: 'desc' } });
  await stream.next();
  await stream.return();
}

async function timed(questions) {
  const measured = [];
  for (const [name, ask] of Object.entries(questions)) {
    await ask();
    const times = [];
    let heldUpMs = 0;
    for (let run = 0; run < 7; run++) {
      const started = performance.now();
      let last = started;
      const turn = () => {
        heldUpMs = Math.max(heldUpMs, performance.now() - last);
        last = performance.now();
        next = setImmediate(turn);
      };
      let next = setImmediate(turn);
      await ask();
      times.push(performance.now() - started);
      heldUpMs = Math.max(heldUpMs, performance.now() - last);
      clearImmediate(next);
    }
    measured.push({ label: name, side: 'ours', values: { ms: spreadOf(times), heldUp: heldUpMs } });
  }
  return measured;
}
