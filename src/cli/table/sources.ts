/** Commands about sources, and questions to them. */
import type { CommandSpec, OptionSpec } from '../command.ts';

const URL_OPTIONS: readonly OptionSpec[] = [
  {
    flags: '--url-stdin',
    description: 'read the database URL from stdin; it is stored encrypted by the service',
  },
  {
    flags: '--url <url>',
    description: 'the database URL, visible to others on this machine while the command runs',
  },
];
const TIMEOUT: OptionSpec = {
  flags: '--timeout <duration>',
  description: 'longest the job may take (default 30s)',
};
const WHERE: OptionSpec = { flags: '--where <json>', description: 'filter, e.g. \'{"status":"shipped"}\'' };
const YES: OptionSpec = { flags: '-y, --yes', description: 'do not ask' };
const load = () => import('../../commands/sources.ts');

export const SOURCE_COMMANDS: readonly CommandSpec[] = [
  {
    usage: 'sources add <name>',
    asked: ['name'],
    summary: 'Add a database that runners may be assigned to',
    options: [
      {
        flags: '--bridge <bridge>',
        description: 'postgres, mysql, sqlite, or the package name of a bridge',
      },
      ...URL_OPTIONS,
      { flags: '--runner-local', description: 'the runner has the credentials; the service never sees them' },
    ],
    examples: [
      'sources add orders --bridge postgres --url-stdin < url.txt',
      'sources add orders --bridge postgres --runner-local',
      'sources add shop --bridge sqlite --url ./shop.db',
    ],
    run: async ([name], flags, ctx) => await (await load()).addSource(name as string | undefined, flags, ctx),
  },
  {
    usage: 'sources list',
    summary: 'List sources',
    examples: ['sources list', 'sources list --json'],
    run: async (_args, _flags, ctx) => await (await load()).listSources(ctx),
  },
  {
    usage: 'sources show <source>',
    asked: ['source'],
    summary: 'Show a source',
    examples: ['sources show orders'],
    run: async ([source], _flags, ctx) => await (await load()).showSource(source as string | undefined, ctx),
  },
  {
    usage: 'sources update <source>',
    asked: ['source'],
    summary: 'Change a source',
    options: [
      { flags: '--name <name>', description: 'give it another name' },
      { flags: '--bridge <bridge>', description: 'postgres, mysql, sqlite, or the package name of a bridge' },
      ...URL_OPTIONS,
      {
        flags: '--credentials-location <where>',
        description: 'runner-local wipes the stored URL',
        choices: ['managed', 'runner-local'],
      },
    ],
    examples: [
      'sources update orders --url-stdin < url.txt',
      'sources update orders --credentials-location runner-local',
    ],
    run: async ([source], flags, ctx) =>
      await (await load()).updateSource(source as string | undefined, flags, ctx),
  },
  {
    usage: 'sources remove <source>',
    asked: ['source'],
    summary: 'Remove a source',
    options: [{ flags: '--force', description: 'even while runners are assigned to it' }, YES],
    examples: ['sources remove orders', 'sources remove orders --force'],
    run: async ([source], flags, ctx) =>
      await (await load()).removeSource(source as string | undefined, flags, ctx),
  },
  {
    usage: 'sources test <source>',
    asked: ['source'],
    summary: 'Reach the database through every online runner assigned, each hop timed',
    examples: ['sources test orders', 'sources test orders --json'],
    run: async ([source], _flags, ctx) =>
      await (await import('../../commands/sources-test.ts')).testSource(source as string | undefined, ctx),
  },
  {
    usage: 'sources targets <source> [target]',
    asked: ['source'],
    summary: "List tables and views, or one table's columns",
    examples: ['sources targets orders', 'sources targets orders customers'],
    run: async ([source, target], _flags, ctx) =>
      await (await load()).listTargets(source as string | undefined, target as string | undefined, ctx),
  },
  {
    usage: 'query <source> <target>',
    asked: ['source', 'target'],
    summary: 'Print rows: a table at a terminal, NDJSON elsewhere',
    options: [
      WHERE,
      { flags: '--order-by <fields>', description: 'field or field:desc, several separated by commas' },
      { flags: '--select <fields>', description: 'fields, separated by commas' },
      { flags: '--limit <n>', description: 'rows at most' },
      { flags: '--offset <n>', description: 'rows to skip' },
      TIMEOUT,
      { flags: '--ndjson', description: 'a JSON object a line' },
      { flags: '--csv', description: 'RFC 4180, with a header' },
    ],
    examples: [
      'query shop orders --limit 5',
      'query shop orders --where \'{"status":"shipped"}\' --limit 5',
      'query shop orders --order-by total:desc,id',
      'query shop orders --select id,total --csv > orders.csv',
    ],
    run: async ([source, target], flags, ctx) =>
      await (await import('../../commands/query.ts')).query(
        source as string | undefined,
        target as string | undefined,
        flags,
        ctx,
      ),
  },
  {
    usage: 'count <source> <target>',
    asked: ['source', 'target'],
    summary: 'Print how many rows there are',
    options: [WHERE, TIMEOUT],
    examples: ['count shop orders', 'count shop orders --where \'{"status":"shipped"}\''],
    run: async ([source, target], flags, ctx) =>
      await (await import('../../commands/count.ts')).count(
        source as string | undefined,
        target as string | undefined,
        flags,
        ctx,
      ),
  },
];
