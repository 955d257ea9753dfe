/** The way to the gateway, step by step: proxy, DNS, TCP, TLS and who vouches for it, and the two clocks. */
import { lookup } from 'node:dns/promises';
import { connect, isIP } from 'node:net';
import type { Context } from '../../cli/context.ts';
import { AppError } from '../../errors.ts';
import { proxyAgent } from '../../platform/agent.ts';
import { roughDuration } from '../../platform/duration.ts';
import { type ProbeAnswer, probeHttp } from '../../platform/http-probe.ts';
import {
  certificateProblem,
  codeOf,
  isCertificateProblem,
  networkProblem,
} from '../../platform/network-problem.ts';
import { type ProxySetting, proxyOf, shownProxy } from '../../platform/proxy.ts';
import { elapsed, type Finding, failed, ok, warning } from './finding.ts';

export interface PathSettings {
  gatewayUrl: string;
  env: Readonly<Record<string, string | undefined>>;
  ca: readonly string[] | undefined;
}

const STEP_TIMEOUT_MS = 5_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** A Date header has whole seconds, and an answer its way to go. */
const CLOCK_TOLERANCE_MS = 5_000;
/** From here on certificates and tokens with a time in them begin to fail. */
const CLOCK_LIMIT_MS = 300_000;
const EXPIRY_WARNING_MS = 14 * 86_400_000;

/** Reports each step as it is known; the gateway's answer to a plain request, or undefined when it was not reached. */
export async function examinePath(
  settings: PathSettings,
  ctx: Context,
  report: (finding: Finding) => void,
): Promise<ProbeAnswer | undefined> {
  let proxy: ProxySetting | undefined;
  try {
    proxy = proxyOf(settings.gatewayUrl, settings.env);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    report(failed('proxy', error.message, error.hint ?? null));
    return undefined;
  }
  const gateway = httpUrl(settings.gatewayUrl);
  const next = proxy?.url ?? gateway;
  if (!proxy) report(ok('proxy', 'none for this address'));
  // What fails on the way to a proxy says so: nobody looks for the proxy's port under the gateway's address.
  const told = proxy ? (finding: Finding): void => report(aboutProxy(proxy, finding)) : report;
  const address = await resolveHost(next, ctx, told);
  if (address === undefined || !(await reach(next, ctx, told))) return undefined;
  return await ask(gateway, proxy, settings, ctx, report);
}

function aboutProxy(proxy: ProxySetting, finding: Finding): Finding {
  const message = `${finding.message} (the proxy of ${proxy.from})`;
  if (finding.status !== 'failed') return { ...finding, message };
  return {
    ...finding,
    message,
    hint: `check ${proxy.from}, or name the gateway's host in NO_PROXY if no proxy is needed`,
  };
}

/** ws and wss as the requests that share their port. */
export function httpUrl(gatewayUrl: string): URL {
  const url = new URL(gatewayUrl);
  return new URL(`${url.protocol === 'wss:' ? 'https:' : 'http:'}//${url.host}/livez`);
}

async function resolveHost(
  url: URL,
  ctx: Context,
  report: (finding: Finding) => void,
): Promise<string | undefined> {
  const host = bareHost(url);
  if (isIP(host) !== 0) {
    report(ok('DNS', `${host} is an address: nothing to look up`));
    return host;
  }
  const started = ctx.clock.monotonic();
  const took = (): number => elapsed(started, ctx.clock.monotonic());
  try {
    const found = await withTimeout(lookup(host, { all: true }), STEP_TIMEOUT_MS);
    const addresses = found.map(one => one.address);
    report(ok('DNS', `${host} is ${addresses.slice(0, 4).join(', ')}`, { durationMs: took() }));
    return addresses[0];
  } catch (error) {
    const { hint } = networkProblem(codeOf(error) === 'ETIMEDOUT' ? 'EAI_AGAIN' : codeOf(error));
    report(failed('DNS', `${host} cannot be resolved (${codeOf(error)})`, hint, { durationMs: took() }));
    return undefined;
  }
}

async function reach(url: URL, ctx: Context, report: (finding: Finding) => void): Promise<boolean> {
  const host = bareHost(url);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const started = ctx.clock.monotonic();
  const took = (): number => elapsed(started, ctx.clock.monotonic());
  try {
    const remote = await new Promise<string>((resolve, reject) => {
      const socket = connect({ host, port, timeout: STEP_TIMEOUT_MS });
      socket.on('connect', () => {
        resolve(socket.remoteAddress ?? host);
        socket.destroy();
      });
      socket.on('timeout', () => socket.destroy(timedOut()));
      socket.on('error', reject);
    });
    report(ok('TCP', `${remote} port ${port} answers`, { durationMs: took() }));
    return true;
  } catch (error) {
    const { message, hint } = networkProblem(codeOf(error));
    report(failed('TCP', `${host} port ${port}: ${message}`, hint, { durationMs: took() }));
    return false;
  }
}

async function ask(
  url: URL,
  proxy: ProxySetting | undefined,
  { gatewayUrl, env, ca }: PathSettings,
  ctx: Context,
  report: (finding: Finding) => void,
): Promise<ProbeAnswer | undefined> {
  const started = ctx.clock.monotonic();
  const took = (): number => elapsed(started, ctx.clock.monotonic());
  const sentAt = ctx.clock.now();
  // A runner's socket goes through a tunnel even where it is plain: what is asked here is asked the same way.
  const agent = proxy && (await proxyAgent(gatewayUrl, { env, ca }));
  let answer: ProbeAnswer;
  try {
    answer = await probeHttp({ url, agent, ca, timeoutMs: ANSWER_TIMEOUT_MS });
  } catch (error) {
    if (error instanceof AppError) {
      report(failed('proxy', error.message, error.hint ?? null, { durationMs: took() }));
      return undefined;
    }
    if (proxy) report(ok('proxy', `${shownProxy(proxy)} (from ${proxy.from}) opens a tunnel`));
    const { message, hint } = networkProblem(codeOf(error));
    const step = url.protocol === 'https:' ? 'TLS' : 'answer';
    report(failed(step, `${url.host}: ${message}`, hint, { durationMs: took() }));
    return undefined;
  }
  if (proxy) report(ok('proxy', `${shownProxy(proxy)} (from ${proxy.from}) opens a tunnel`));
  report(judgeTls(url, answer, ctx, took()));
  const clock = judgeClock(answer, sentAt, ctx.clock.now());
  if (clock) report(clock);
  const trusted = answer.tls?.problem === undefined;
  return trusted ? answer : undefined;
}

function judgeTls(url: URL, { tls }: ProbeAnswer, ctx: Context, durationMs: number): Finding {
  if (!tls) {
    return ok('TLS', `none: ${url.host} is reached without encryption`, { durationMs });
  }
  if (tls.problem !== undefined) {
    const code = isCertificateProblem(tls.problem) ? tls.problem : 'UNTRUSTED';
    const { message, hint } = certificateProblem(code, tls, bareHost(url));
    return failed('TLS', message, hint, { durationMs });
  }
  const root = tls.chain.length > 1 ? `, below ${tls.chain[tls.chain.length - 1]}` : '';
  const until = tls.validTo.toISOString().slice(0, 10);
  const message = `certificate issued by ${tls.issuer}${root}, valid until ${until}`;
  return tls.validTo.getTime() - ctx.clock.now() < EXPIRY_WARNING_MS
    ? warning('TLS', message, "renew the server's certificate", { durationMs })
    : ok('TLS', message, { durationMs });
}

function judgeClock({ headers }: ProbeAnswer, sentAt: number, receivedAt: number): Finding | undefined {
  const theirs = Date.parse(headers.date ?? '');
  if (Number.isNaN(theirs)) return undefined;
  // The header is cut to the second: on average it says half a second too little.
  const differenceMs = (sentAt + receivedAt) / 2 - (theirs + 500);
  const size = Math.abs(differenceMs);
  if (size <= CLOCK_TOLERANCE_MS) return ok('clock', "agrees with the gateway's to a few seconds");
  const message = `this machine's clock is ${roughDuration(size)} ${differenceMs > 0 ? 'ahead of' : 'behind'} the gateway's`;
  const hint = 'set it by a time server (NTP)';
  return size > CLOCK_LIMIT_MS ? failed('clock', message, hint) : warning('clock', message, hint);
}

function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

async function withTimeout<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(timedOut()), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

function timedOut(): Error {
  return Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' });
}
