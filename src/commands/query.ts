/** `semilayer query`: rows as they arrive, in the form that was asked for. */
import type { Client } from '../api/client.ts';
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import { sourceGiven, targetGiven } from './ask.ts';
import { DEFAULT_DEADLINE_MS, type QuestionFlags, questionOf } from './question.ts';
import { csvRows, ndjsonRows, type RowSink, tableRows } from './row-sink.ts';
import { openService, recordPath } from './service.ts';

export interface QueryFlags extends QuestionFlags {
  ndjson?: boolean;
  csv?: boolean;
}

type Form = 'json' | 'ndjson' | 'csv' | 'table';

/** Nothing goes to stdout but rows: a failure, the first rows given out or not, is thrown. */
export async function query(
  givenSource: string | undefined,
  givenTarget: string | undefined,
  flags: QueryFlags,
  ctx: Context,
): Promise<void> {
  const form = formOf(flags, ctx);
  const source = await sourceGiven(givenSource, 'query', ctx);
  const target = await targetGiven(givenTarget, source, ctx);
  const question = questionOf(target, flags);
  const { client } = await openService(ctx);
  const path = `${recordPath('sources', source)}/query`;
  const deadlineMs = question.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const progress = ctx.output.progress(`asking ${source}`);
  try {
    if (form === 'json') {
      const answer = await client.post(path, question, { deadlineMs });
      progress.stop();
      ctx.output.document(answer);
      return;
    }
    const sink = await sinkOf(form, question.select, ctx);
    let complete = false;
    try {
      for await (const lines of client.stream(path, question, { deadlineMs })) {
        progress.stop();
        await sink.take(lines);
      }
      complete = true;
    } finally {
      progress.stop();
      await sink.end(complete, () => columnsOf(client, source, target));
    }
  } finally {
    progress.stop();
  }
}

/** @throws AppError `usage` for two forms at once. */
function formOf(flags: QueryFlags, ctx: Context): Form {
  const asked: Form[] = [];
  if (ctx.global.json) asked.push('json');
  if (flags.ndjson) asked.push('ndjson');
  if (flags.csv) asked.push('csv');
  if (asked.length > 1) {
    throw new AppError('usage', { message: `--${asked.join(' and --')} exclude each other` });
  }
  return asked[0] ?? (ctx.output.stdoutIsTerminal ? 'table' : 'ndjson');
}

/** The columns of the table; undefined where they cannot be had, which is no reason to fail an answer that came. */
async function columnsOf(
  client: Client,
  source: string,
  target: string,
): Promise<readonly string[] | undefined> {
  try {
    const schema = (await client.get(
      `${recordPath('sources', source)}/targets/${encodeURIComponent(target)}`,
    )) as { columns: { name: string }[] };
    return schema.columns.map(column => column.name);
  } catch {
    return undefined;
  }
}

async function sinkOf(
  form: Exclude<Form, 'json'>,
  select: string[] | undefined,
  ctx: Context,
): Promise<RowSink> {
  switch (form) {
    case 'ndjson':
      return ndjsonRows(ctx.output);
    case 'csv':
      return csvRows(ctx.output, select);
    case 'table':
      return await tableRows(ctx, select);
  }
}
