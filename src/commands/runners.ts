/** `semilayer runners create|rotate|revoke|delete|assign|unassign`. */
import type { Context } from '../cli/context.ts';
import { checkEnvFileWritable, writeEnvFile } from '../config/env-file.ts';
import { AppError, EXIT, messageOf } from '../errors.ts';
import { parseDuration } from '../platform/duration.ts';
import { agreed, mayAsk, missingArgument, promptsOf, runnerGiven, sourcesGiven } from './ask.ts';
import { type RunnerRecord, runnerOf } from './records.ts';
import { gatewayToTell, openService, recordPath, type Service } from './service.ts';
import { checkName } from './source-questions.ts';

type NewToken = RunnerRecord & { token: string };

interface TokenFlags {
  envFile?: string;
}

/** Bounds of an overlap: a second to a week. */
const MIN_OVERLAP_MS = 1_000;
const MAX_OVERLAP_MS = 604_800_000;

export async function createRunner(
  given: string | undefined,
  flags: TokenFlags & { type?: string },
  ctx: Context,
): Promise<void> {
  if (given === undefined && !mayAsk(ctx)) throw missingArgument("'name'", 'semilayer runners create --help');
  const service = await openService(ctx);
  const { name, type } =
    given === undefined ? await askNewRunner(flags, ctx) : { name: given, type: flags.type };
  await prepareEnvFile(flags, ctx);
  const body = { name, ...(type === undefined ? {} : { type }) };
  const record = tokenOf(await service.client.post('/v1/runners', body));
  await handOver(record, 'created', flags, service, ctx);
}

async function askNewRunner(
  flags: { type?: string },
  ctx: Context,
): Promise<{ name: string; type: string | undefined }> {
  const prompts = await promptsOf(ctx);
  const name = await prompts.text('Name of the runner', { validate: checkName });
  const type =
    flags.type ??
    (await prompts.choose('Deployment type', [
      { value: 'customer', name: 'customer: it runs in your own network' },
      { value: 'saas', name: 'saas: SemiLayer runs it (not by self-service)' },
    ]));
  return { name, type };
}

export async function rotateRunner(
  given: string | undefined,
  flags: TokenFlags & { overlap?: string; yes?: boolean },
  ctx: Context,
): Promise<number> {
  const overlapMs =
    flags.overlap === undefined
      ? undefined
      : parseDuration(flags.overlap, '--overlap', { minMs: MIN_OVERLAP_MS, maxMs: MAX_OVERLAP_MS });
  const runner = await runnerGiven(given, 'runners rotate', ctx);
  const service = await openService(ctx);
  const path = recordPath('runners', runner);
  const consequence =
    overlapMs === undefined ? 'Its sessions end at once' : `Its old token ends in ${flags.overlap}`;
  if (!(await agreed(`Rotate the token of runner "${runner}"? ${consequence}.`, flags, ctx, runner)))
    return EXIT.failure;
  await prepareEnvFile(flags, ctx);
  const record = tokenOf(
    await service.client.post(`${path}/rotate`, overlapMs === undefined ? {} : { overlapMs }),
  );
  await handOver(record, 'rotated', flags, service, ctx);
  return EXIT.ok;
}

export async function revokeRunner(
  given: string | undefined,
  flags: { yes?: boolean },
  ctx: Context,
): Promise<number> {
  const runner = await runnerGiven(given, 'runners revoke', ctx);
  const { client } = await openService(ctx);
  const path = recordPath('runners', runner);
  if (
    !(await agreed(`Revoke runner "${runner}"? Its tokens and sessions end at once.`, flags, ctx, runner))
  ) {
    return EXIT.failure;
  }
  const record = runnerOf(await client.post(`${path}/revoke`, {}));
  if (ctx.global.json) ctx.output.document(record);
  ctx.output.success(`revoked runner ${record.name} (${record.id}); its record stays`);
  ctx.output.next(`semilayer runners delete ${record.name}, where its record is not wanted either`);
  return EXIT.ok;
}

export async function deleteRunner(
  given: string | undefined,
  flags: { yes?: boolean },
  ctx: Context,
): Promise<number> {
  const runner = await runnerGiven(given, 'runners delete', ctx);
  const { client } = await openService(ctx);
  const path = recordPath('runners', runner);
  if (!(await agreed(`Delete runner "${runner}"? Its sessions end at once.`, flags, ctx, runner)))
    return EXIT.failure;
  await client.delete(path);
  ctx.output.success(`deleted runner ${runner}`);
  return EXIT.ok;
}

export async function assignSources(
  givenRunner: string | undefined,
  givenSources: string[] | undefined,
  ctx: Context,
): Promise<void> {
  const runner = await runnerGiven(givenRunner, 'runners assign', ctx);
  const sources = await sourcesGiven(givenSources, 'runners assign', ctx);
  const { client } = await openService(ctx);
  const record = runnerOf(await client.post(`${recordPath('runners', runner)}/sources`, { sources }));
  saySources(record, ctx);
}

export async function unassignSources(
  givenRunner: string | undefined,
  givenSources: string[] | undefined,
  ctx: Context,
): Promise<void> {
  const runner = await runnerGiven(givenRunner, 'runners unassign', ctx);
  const sources = await sourcesGiven(givenSources, 'runners unassign', ctx);
  const { client } = await openService(ctx);
  const path = recordPath('runners', runner);
  // A service that answers a removal with the record is as welcome as one that answers with nothing.
  const answer = await client.delete(`${path}/sources`, { sources });
  saySources(runnerOf(answer ?? (await client.get(path))), ctx);
}

function saySources(record: RunnerRecord, ctx: Context): void {
  if (ctx.global.json) ctx.output.document(record);
  const { name, sources } = record;
  ctx.output.success(`runner ${name} answers for ${sources.length === 0 ? 'no source' : sources.join(', ')}`);
  if (sources.length > 0) ctx.output.next(`semilayer sources test ${sources[sources.length - 1]}`);
}

/** Gives the token to stdout or the env file, and to nothing else. */
async function handOver(
  record: NewToken,
  done: 'created' | 'rotated',
  flags: TokenFlags,
  service: Service,
  ctx: Context,
): Promise<void> {
  const { output, global } = ctx;
  const block = { SEMILAYER_RUNNER_ID: record.id, SEMILAYER_RUNNER_TOKEN: record.token };
  if (flags.envFile !== undefined) {
    await writeOrExplain(flags.envFile, block, record, done);
    if (global.json) output.document({ ...record, token: null });
  } else if (global.json) {
    output.document(record);
  } else {
    for (const [name, value] of Object.entries(block)) output.data(`${name}=${value}`);
  }
  output.success(
    `${done} runner ${record.name} (${record.id}), token ${record.fingerprint ?? 'without a fingerprint'}`,
  );
  if (flags.envFile !== undefined) output.note(`its ID and token are in ${flags.envFile}`);
  if (record.previousExpiresAt !== null && record.previousExpiresAt !== undefined) {
    output.note(`the old token, ${record.previousFingerprint}, is valid until ${record.previousExpiresAt}`);
  }
  const gatewayUrl = await gatewayToTell(service);
  if (gatewayUrl !== undefined) output.note(`where it runs, set SEMILAYER_GATEWAY_URL=${gatewayUrl}`);
  output.next(
    done === 'created'
      ? // What a terminal shows is in no file yet, and cannot be asked for again.
        `${flags.envFile === undefined && output.stdoutIsTerminal && !global.json ? 'save the two lines, shown this once, as .env; then ' : ''}semilayer run --env-file ${flags.envFile ?? '.env'}`
      : `give the new token to its runners; semilayer runners show ${record.name} tells which they use`,
  );
}

/** Before there is a token to lose. */
async function prepareEnvFile(flags: TokenFlags, ctx: Context): Promise<void> {
  if (flags.envFile === undefined) return;
  for (const warning of await checkEnvFileWritable(flags.envFile)) ctx.output.warn(warning);
}

/** The token is gone if it cannot be written: say so, and how to get another. */
async function writeOrExplain(
  path: string,
  block: Record<string, string>,
  record: RunnerRecord,
  done: string,
): Promise<void> {
  try {
    await writeEnvFile(path, block);
  } catch (cause) {
    throw new AppError('internal', {
      message: `runner ${record.name} (${record.id}) was ${done}, but its token is lost: ${messageOf(cause)}`,
      hint: `make another: semilayer runners rotate ${record.name} --yes --env-file PATH`,
      cause,
    });
  }
}

/** What goes into an env file must not be able to add a line of its own to it. */
function tokenOf(answer: unknown): NewToken {
  const record = answer as Partial<NewToken>;
  const fine = (text: unknown): text is string => typeof text === 'string' && /^[\x21-\x7e]+$/.test(text);
  if (fine(record?.id) && fine(record.token)) return record as NewToken;
  throw new AppError('incomplete_response', { message: 'the service answered without an ID and a token' });
}
