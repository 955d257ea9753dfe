/** `semilayer sources test`: every hop from here to the database, through each runner. */
import { ApiError } from '../api/api-error.ts';
import type { Context } from '../cli/context.ts';
import { AppError } from '../errors.ts';
import type { Column } from '../output/output.ts';
import { sourceGiven } from './ask.ts';
import { openService, recordPath } from './service.ts';

interface Hop {
  name: 'gateway' | 'runner' | 'connect' | 'query';
  ok: boolean;
  durationMs: number | null;
}

interface RunnerTest {
  runner: string;
  instance: string | null;
  ok: boolean;
  hops: Hop[];
  error: { code: string; message: string } | null;
}

interface TestAnswer {
  ok: boolean;
  runners: RunnerTest[];
}

const COLUMNS: readonly Column<RunnerTest>[] = [
  { header: 'RUNNER', value: one => one.runner },
  { header: 'INSTANCE', value: one => one.instance },
  { header: 'STATUS', value: one => (one.ok ? 'ok' : 'failed'), format: 'status' },
  { header: 'GATEWAY', value: hop('gateway') },
  { header: 'RUNNER HOP', value: hop('runner') },
  { header: 'CONNECT', value: hop('connect') },
  { header: 'FIRST QUERY', value: hop('query') },
  { header: 'ERROR', value: one => one.error && `${one.error.code}: ${one.error.message}` },
];

/** @throws AppError with the code of the first runner that failed, after the hops of all have been shown. */
export async function testSource(given: string | undefined, ctx: Context): Promise<void> {
  const { output } = ctx;
  const source = await sourceGiven(given, 'sources test', ctx);
  const { client } = await openService(ctx);
  const path = `${recordPath('sources', source)}/test`;
  const progress = output.progress(`asking every runner of ${source}`);
  let answer: TestAnswer;
  let failure: AppError | undefined;
  try {
    answer = (await client.post(path, {})) as TestAnswer;
  } catch (error) {
    if (!(error instanceof ApiError) || !Array.isArray(error.problem.runners)) throw error;
    answer = { ok: false, runners: error.problem.runners as RunnerTest[] };
    failure = error;
  } finally {
    progress.stop();
  }
  if (output.json) output.document(answer);
  else output.list(answer.runners, COLUMNS, 'no runner was asked');
  failure ??= failureOf(answer);
  if (failure) throw failure;
  output.success(`${source} can be reached through ${countOf(answer.runners.length)}`);
  output.next(`semilayer sources targets ${source}`);
}

function failureOf(answer: TestAnswer): AppError | undefined {
  const failed = answer.runners.filter(one => !one.ok);
  const [first] = failed;
  if (answer.ok && !first) return undefined;
  const { code, message } = first?.error ?? {
    code: 'SOURCE_UNREACHABLE',
    message: 'the database was not reached',
  };
  return new AppError(code, {
    message: `${failed.length} of ${countOf(answer.runners.length)} did not reach the database: ${message}`,
  });
}

function hop(name: Hop['name']): (test: RunnerTest) => unknown {
  return test => {
    const found = test.hops.find(one => one.name === name);
    if (!found) return null;
    const took = found.durationMs === null ? '' : `${found.durationMs} ms`;
    return found.ok ? took || 'ok' : `failed ${took}`.trim();
  };
}

function countOf(runners: number): string {
  return `${runners} ${runners === 1 ? 'runner' : 'runners'}`;
}
