/** `semilayer runners list|show`. */
import type { Client } from '../api/client.ts';
import type { Context } from '../cli/context.ts';
import type { Column } from '../output/output.ts';
import { runnerGiven } from './ask.ts';
import { type RunnerRecord, runnerOf, type SessionRecord } from './records.ts';
import { everyItem, openService, recordPath } from './service.ts';
import { type Picture, watch } from './watch.ts';

const NONE = 'no runners yet: semilayer runners create <name>';

const COLUMNS: readonly Column<RunnerRecord>[] = [
  { header: 'ID', value: one => one.id },
  { header: 'NAME', value: one => one.name },
  { header: 'TYPE', value: one => one.type },
  { header: 'STATUS', value: one => one.status, format: 'status' },
  { header: 'SOURCES', value: one => one.sources, format: 'list' },
  { header: 'VERSION', value: versionOf },
  { header: 'LAST SEEN', value: one => one.lastSeenAt, format: 'time' },
];

const SESSION_COLUMNS: readonly Column<SessionRecord>[] = [
  { header: 'SESSION', value: one => one.id },
  { header: 'INSTANCE', value: one => one.instance },
  { header: 'VERSION', value: one => one.version },
  { header: 'ADDRESS', value: one => one.remoteAddress },
  { header: 'CONNECTED', value: one => one.connectedAt, format: 'time' },
  { header: 'HEARTBEAT', value: one => one.lastHeartbeatAt, format: 'time' },
  { header: 'JOBS', value: one => one.activeJobs, format: 'number' },
  { header: 'TOKEN', value: one => one.fingerprint },
];

export async function listRunners(flags: { watch?: boolean }, ctx: Context): Promise<void> {
  const { client } = await openService(ctx);
  if (flags.watch) return await watch(livingList(client, ctx), client, ctx);
  ctx.output.list(await byName(client), COLUMNS, NONE);
}

export async function showRunner(given: string | undefined, ctx: Context): Promise<void> {
  const { output } = ctx;
  const runner = await runnerGiven(given, 'runners show', ctx);
  const { client } = await openService(ctx);
  const record = runnerOf(await client.get(recordPath('runners', runner)));
  output.record(record, [
    ['id', record.id],
    ['name', record.name],
    ['type', record.type],
    ['status', record.status, 'status'],
    ['sources', record.sources, 'list'],
    ['version', versionOf(record)],
    ['token', record.fingerprint],
    ['previous token', record.previousFingerprint],
    ['valid until', record.previousExpiresAt, 'time'],
    ['created', record.createdAt, 'time'],
    ['rotated', record.rotatedAt, 'time'],
    ['last seen', record.lastSeenAt, 'time'],
    ['sessions', record.sessions.length],
  ]);
  if (output.json || record.sessions.length === 0) return;
  if (output.stdoutIsTerminal) output.data('');
  output.list(record.sessions, SESSION_COLUMNS, '');
}

/** The list, shown again whenever it has changed, and in a terminal with the times as they are now. */
function livingList(client: Client, { output }: Context): Picture {
  let runners: RunnerRecord[] = [];
  let shown: string | undefined;
  const paint = (): void => {
    if (output.stdoutIsTerminal && !output.json) output.data('\u001b[H\u001b[2J\u001b[H');
    output.list(runners, COLUMNS, NONE);
  };
  return {
    async refresh() {
      runners = await byName(client);
      const state = JSON.stringify(runners.map(visible));
      if (state !== shown || output.stdoutIsTerminal) paint();
      shown = state;
    },
    repaint: () => {
      if (output.stdoutIsTerminal && !output.json) paint();
    },
    concerns: type => type.startsWith('runner.') || type.startsWith('source.'),
  };
}

/** What a change of is worth another list: heartbeats alone are not. */
function visible(record: RunnerRecord): unknown {
  const { id, name, type, status, sources } = record;
  return [id, name, type, status, sources, versionOf(record)];
}

async function byName(client: Client): Promise<RunnerRecord[]> {
  const runners = await everyItem(client, '/v1/runners', runnerOf);
  return runners.sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0));
}

function versionOf(record: RunnerRecord): string | null {
  return record.version ?? record.sessions[0]?.version ?? null;
}
