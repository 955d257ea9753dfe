/** Every benchmark, in the order in which a reader of docs/benchmarks.md meets them. */

export interface Entry {
  name: string;
  title: string;
  /** What is measured, and beside what; no figures, because those are in the results. */
  says: string;
  plots: Plot[];
}

export interface Plot {
  /** The series to draw; every series of the result, a group of bars each, where it is not named. */
  series?: string;
  column: string;
  title: string;
  /** A line over the numbers that the rows' labels are; bars otherwise. */
  kind: 'bars' | 'line';
}

export const CATALOGUE: readonly Entry[] = [
  {
    name: 'startup',
    title: 'Starting',
    says: 'Whole processes, one after another in turns, `NODE_EXTRA_CA_CERTS` unset. The floor is a Node that does nothing.',
    plots: [{ series: 'start', column: 'median', title: 'Milliseconds from start to end', kind: 'bars' }],
  },
  {
    name: 'install',
    title: 'Installing',
    says: 'The packed program, installed from the tarball into an empty directory.',
    plots: [],
  },
  {
    name: 'dispatch',
    title: 'Dispatching',
    says: 'A query that answers one row, from an HTTP client through gateway and WebSocket to a runner and back, beside a bare relay that carries the same JSON over the same hops and does nothing else: no authentication, no validation, no records, no deadlines. NATS request and reply carries it with no HTTP in front. Processor time is of one answer, of the process in the middle and of the one that answers.',
    plots: [
      { column: 'p50', title: 'Microseconds to an answer, median', kind: 'bars' },
      { column: 'rate', title: 'Answers a second', kind: 'bars' },
      {
        column: 'gateway',
        title: 'Microseconds of processor time in the middle, for an answer',
        kind: 'bars',
      },
    ],
  },
  {
    name: 'point',
    title: 'Short questions',
    says: 'One row by its key, and a page of 25, of a large table. The floor in one process is a named prepared statement on a bare pool of connections; over HTTP it is that statement and a bare relay of the same rows, added up. The public way counts the whole table for each page.',
    plots: [{ series: 'http', column: 'p50', title: 'Microseconds over HTTP, median', kind: 'bars' }],
  },
  {
    name: 'stream',
    title: 'Streaming a table',
    says: 'A table of a bigint key, name, email, numeric, timestamp and small JSON, to an HTTP caller that reads NDJSON and to the standard output of `semilayer query … --ndjson`, whose start is in its time. Each way must deliver the same rows. The floor is the fastest way out that the database or its driver has. The public way holds all rows, counts them, and parses and writes each again at the gateway. The masks of [the sixth decision](adr/0006-masks.md) are zeros here, as on every loopback and TLS link.',
    plots: [{ column: 'rate', title: 'Rows a second', kind: 'bars' }],
  },
  {
    name: 'mixed',
    title: 'Short questions beside a large stream',
    says: 'One row by its key, again and again by one caller, alone and while another reads the whole table through the same gateway. The floor is the database itself, beside COPY.',
    plots: [
      { series: 'mixed', column: 'aloneP99', title: 'p99 alone, microseconds', kind: 'bars' },
      { series: 'mixed', column: 'besideP99', title: 'p99 beside the stream, microseconds', kind: 'bars' },
    ],
  },
  {
    name: 'memory',
    title: 'A slow caller',
    says: 'A large table to a caller that takes so many MB a second, resident memory sampled each second. Memory is flat when the second half holds no more than the first. Meanwhile another caller asks for one row by its key, as it did before.',
    plots: [{ series: 'memory', column: 'peak', title: 'MB at most', kind: 'bars' }],
  },
  {
    name: 'idle',
    title: 'Connected runners',
    says: 'Runners that are connected and have nothing to do, each with a record of its own and a heartbeat every 25 s. The bare server authenticates nobody and keeps nothing; with pings it asks who has been silent for 8 s, as the protocol does.',
    plots: [
      { column: 'resident', title: 'MB resident', kind: 'bars' },
      { column: 'core', title: 'Percent of a core', kind: 'bars' },
    ],
  },
  {
    name: 'runner-idle',
    title: 'One idle runner',
    says: '`semilayer run`, connected and without a job, beside a Node that does nothing for as long.',
    plots: [{ series: 'idle', column: 'resident', title: 'MB resident', kind: 'bars' }],
  },
  {
    name: 'scale',
    title: 'What more costs',
    says: 'More runners at work, more rows of one answer, more runners connected to one source, more sources of one runner. A cost is straight when the line of least squares passes near every point.',
    plots: [
      { series: 'rows', column: 'ms', title: 'Milliseconds for an answer of so many rows', kind: 'line' },
      {
        series: 'runners',
        column: 'gateway',
        title: 'Microseconds of the gateway for an answer, by runners connected',
        kind: 'line',
      },
      {
        series: 'sources',
        column: 'gateway',
        title: 'Microseconds of the gateway for an answer, by sources',
        kind: 'line',
      },
    ],
  },
  {
    name: 'storm',
    title: 'All runners back at once',
    says: 'The gateway is killed and comes back; the time is from its listening again to each runner being connected.',
    plots: [
      { series: 'back', column: 'p99', title: 'p99 until connected again, milliseconds', kind: 'bars' },
    ],
  },
  {
    name: 'revoke',
    title: 'A token that ends',
    says: 'From the request that rotates or revokes a token to the close at each session of it, and to the last row that any caller got. Bare sockets show the gateway’s own time; runners have much to do themselves.',
    plots: [{ series: 'ended', column: 'p99', title: 'p99 until closed, milliseconds', kind: 'bars' }],
  },
  {
    name: 'failover',
    title: 'A runner that is lost',
    says: 'A runner is killed while it holds a job and before its first row; what the caller waits longer than for an answer of the survivor alone.',
    plots: [],
  },
  {
    name: 'restart',
    title: 'Replicas restarted in turn',
    says: 'Two replicas of one runner, real processes, each told to end and started again as soon as the other is back, while questions keep coming at a fixed rate.',
    plots: [],
  },
  {
    name: 'sqlite',
    title: 'Reading SQLite',
    says: 'A large table in one process, in this thread and by a reader process, beside the driver alone; and how long a question holds up everything else.',
    plots: [{ series: 'streams', column: 'rate', title: 'Rows a second', kind: 'bars' }],
  },
];
