/** Whether the way to the gateway cuts connections in which nothing passes: a session, and a plain one beside it. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Context } from '../../cli/context.ts';
import { proxyAgent } from '../../platform/agent.ts';
import { formatDuration, roughDuration } from '../../platform/duration.ts';
import { proxyOf } from '../../platform/proxy.ts';
import { CLOSE } from '../../protocol/close-codes.ts';
import { DEAD_AFTER_SILENCE_MS, HEARTBEAT_INTERVAL_MS } from '../../protocol/limits.ts';
import { describe, type Ending } from '../../runner/ending.ts';
import { type Finding, failed, ok, warning } from './finding.ts';
import type { DoctorSession } from './gateway-session.ts';
import { httpUrl, type PathSettings } from './path.ts';

/** Left to a server that says how long it keeps an idle connection: it must not be first. */
const BEFORE_ITS_OWN_END_MS = 1_000;

interface Held {
  /** How long it lasted. */
  lastedMs: number;
  /** Ended by something on the way: not by us, and not by the gateway saying so. */
  cut: boolean;
  /** Longest time in which nothing came in. */
  silentMs: number;
  /** What the gateway said when it ended the session itself. */
  said?: string;
}

/** Takes as long as `idleMs`, unless the connections end before. */
export async function examineIdle(
  idleMs: number,
  settings: PathSettings,
  session: DoctorSession | undefined,
  ctx: Context,
): Promise<Finding> {
  const [held, plain] = await Promise.all([
    session && holdSession(session, idleMs, ctx),
    holdPlain(settings, idleMs, ctx),
  ]);
  const told = { durationMs: Math.round(Math.max(held?.lastedMs ?? 0, plain?.lastedMs ?? 0)) };
  if (session?.gaveWay()) {
    const hint = 'ask again when nobody queries its sources';
    return warning('idle', 'not measured: the gateway handed out a job, and this check gave way', hint, told);
  }
  if (held?.said !== undefined) {
    return failed('idle', `the gateway ended the session: ${held.said}`, null, told);
  }
  if (held?.cut) {
    return failed(
      'idle',
      `the session was cut after ${lasting(held.silentMs)} of silence`,
      `raise the idle timeout of the proxy, load balancer or firewall in between above ${formatDuration(HEARTBEAT_INTERVAL_MS * 2)}`,
      told,
    );
  }
  if (plain?.cut) {
    const message = `a connection in which nothing passes is cut after ${lasting(plain.silentMs)}`;
    const hint = `raise that idle timeout above ${formatDuration(HEARTBEAT_INTERVAL_MS * 2)}`;
    if (plain.silentMs <= DEAD_AFTER_SILENCE_MS) return failed('idle', message, hint, told);
    const harmless = session ? '; the session held, because something passes in it more often' : '';
    return warning('idle', message + harmless, hint, told);
  }
  if (!held && !plain) {
    return warning('idle', 'not measured: no connection could be held open', 'see the checks above', told);
  }
  const silentMs = Math.max(held?.silentMs ?? 0, plain?.silentMs ?? 0);
  return ok('idle', `nothing was cut in ${lasting(silentMs)} of silence`, told);
}

async function holdSession(session: DoctorSession, idleMs: number, ctx: Context): Promise<Held> {
  const { clock } = ctx;
  const started = clock.monotonic();
  const done = new AbortController();
  const ending = await Promise.race<Ending | undefined>([
    session.ended,
    clock.sleep(idleMs, done.signal).then(() => undefined),
  ]);
  done.abort();
  const ended = clock.monotonic();
  const marks = [started, ...session.heardAt.filter(at => at > started), ended];
  const silentMs = Math.max(...marks.slice(1).map((at, index) => at - (marks[index] as number)));
  if (ending === undefined) return { lastedMs: ended - started, cut: false, silentMs };
  const cut = ending.kind !== 'closed' || ending.code === CLOSE.abnormal;
  return { lastedMs: ended - started, cut, silentMs, ...(cut ? {} : { said: describe(ending) }) };
}

/** A connection that has carried one answer, and then nothing; undefined where it was not kept at all. */
async function holdPlain(
  { gatewayUrl, env, ca }: PathSettings,
  idleMs: number,
  ctx: Context,
): Promise<Held | undefined> {
  const url = httpUrl(gatewayUrl);
  const secure = url.protocol === 'https:';
  const keepAlive = { keepAlive: true, maxSockets: 1 };
  const proxied = proxyOf(gatewayUrl, env) !== undefined;
  const agent = proxied
    ? await proxyAgent(gatewayUrl, { env, ca, ...keepAlive })
    : secure
      ? new TlsAgent(keepAlive)
      : new Agent(keepAlive);
  let socket: Socket | undefined;
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = (secure ? tlsRequest : request)(url, {
        agent,
        ...(ca === undefined ? {} : { ca: [...ca] }),
      });
      outgoing.on('socket', used => {
        socket = used;
      });
      outgoing.on('response', resolve);
      outgoing.on('error', reject);
      outgoing.end();
    });
    response.resume();
    await new Promise(resolve => response.once('close', resolve));
    if (!socket || socket.destroyed) return undefined;
    return await silence(socket, patienceOf(response, idleMs), ctx);
  } catch {
    return undefined;
  } finally {
    socket?.destroy();
    agent?.destroy();
  }
}

/** Until shortly before the server itself gives the connection up, as it says in `Keep-Alive: timeout=SECONDS`. */
function patienceOf(response: IncomingMessage, idleMs: number): number {
  const said = /timeout=(\d+)/.exec(String(response.headers['keep-alive'] ?? ''))?.[1];
  return said === undefined
    ? idleMs
    : Math.min(idleMs, Math.max(0, Number(said) * 1_000 - BEFORE_ITS_OWN_END_MS));
}

async function silence(socket: Socket, idleMs: number, ctx: Context): Promise<Held> {
  const started = ctx.clock.monotonic();
  const done = new AbortController();
  const cut = await Promise.race([
    new Promise<boolean>(resolve => socket.once('close', () => resolve(true))),
    ctx.clock.sleep(idleMs, done.signal).then(() => false),
  ]);
  done.abort();
  const lastedMs = ctx.clock.monotonic() - started;
  return { lastedMs, cut, silentMs: lastedMs };
}

function lasting(durationMs: number): string {
  // Below ten seconds a tenth still tells something.
  return durationMs < 10_000 ? formatDuration(Math.round(durationMs / 100) * 100) : roughDuration(durationMs);
}
