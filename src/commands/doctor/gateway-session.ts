/** The doctor at the gateway: is the upgrade let through, is the token taken, do both speak one protocol. */
import { hostname } from 'node:os';
import type { Context } from '../../cli/context.ts';
import { proxyAgent } from '../../platform/agent.ts';
import type { ProbeAnswer } from '../../platform/http-probe.ts';
import { proxyOf } from '../../platform/proxy.ts';
import { CLOSE } from '../../protocol/close-codes.ts';
import { decodeServerFrame, encodeFrame } from '../../protocol/codec.ts';
import { FrameError } from '../../protocol/frame-fields.ts';
import type { AssignedSource } from '../../protocol/frames.ts';
import { PROTOCOL_VERSION } from '../../protocol/limits.ts';
import { dialThrough, type Wire } from '../../runner/dial.ts';
import { describe, type Ending } from '../../runner/ending.ts';
import { elapsed, type Finding, failed, ok, warning } from './finding.ts';

export interface SessionSettings {
  gatewayUrl: string;
  runnerId: string | undefined;
  token: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  ca: string[] | undefined;
  /** What the gateway's port answered to a plain request. */
  plain: ProbeAnswer;
}

/** A session that was acknowledged and is held open, silent on our side. */
export interface DoctorSession {
  sources: AssignedSource[];
  /** Monotonic milliseconds of each arrival so far, the acknowledgement first. */
  heardAt: number[];
  /** Resolves when it ends, by whomever. */
  ended: Promise<Ending>;
  /** Whether it left because it was given a job. */
  gaveWay(): boolean;
  close(): void;
}

const ACK_TIMEOUT_MS = 5_000;
/** No source is of this kind: a gateway that looks at capabilities gives us no job. */
const CAPABILITIES = ['@semilayer/doctor'];
/** Shaped like nothing that is valid: the answer to it shows that the upgrade arrived. */
const NO_TOKEN = 'rk_doctor';

/** Reports on the upgrade, the token's acceptance and the protocol; the session, where there is one. */
export async function openSession(
  settings: SessionSettings,
  ctx: Context,
  report: (finding: Finding) => void,
): Promise<DoctorSession | undefined> {
  const { clock } = ctx;
  const { runnerId, token } = settings;
  const started = clock.monotonic();
  const took = (): { durationMs: number } => ({ durationMs: elapsed(started, clock.monotonic()) });
  const known = token !== undefined && runnerId !== undefined;
  const connection = dial(settings, token ?? NO_TOKEN, ctx);
  const opened = await Promise.race([connection.opened, connection.ended]);
  if ('kind' in opened) {
    for (const finding of judgeRefusal(opened, settings)) report({ ...finding, ...took() });
    return undefined;
  }
  report(ok('upgrade', 'the WebSocket upgrade goes through', took()));
  if (!known) {
    connection.close();
    return undefined;
  }
  opened.send(
    encodeFrame({
      type: 'hello',
      version: PROTOCOL_VERSION,
      runnerId,
      capabilities: CAPABILITIES,
      runtimeVersion: ctx.version,
      instance: `doctor:${hostname()}:${process.pid}`,
    }),
  );
  const cancelTimer = clock.after(ACK_TIMEOUT_MS, connection.close);
  const greeted = await Promise.race([connection.acknowledged, connection.ended]);
  cancelTimer();
  if ('kind' in greeted) {
    report({ ...judgeClose(greeted, runnerId), ...took() });
    return undefined;
  }
  const names = greeted.sources.map(source => source.name);
  report(ok('token', `the gateway accepts it for runner ${runnerId}`));
  report(
    ok(
      'protocol',
      `version ${greeted.version}; assigned ${names.length === 0 ? 'no source yet' : names.join(', ')}`,
      took(),
    ),
  );
  return {
    sources: greeted.sources,
    heardAt: connection.heardAt,
    ended: connection.ended,
    gaveWay: connection.gaveWay,
    close: connection.close,
  };
}

interface Acknowledged {
  version: number;
  sources: AssignedSource[];
}

interface Connection {
  opened: Promise<Wire>;
  acknowledged: Promise<Acknowledged>;
  ended: Promise<Ending>;
  heardAt: number[];
  gaveWay: () => boolean;
  close: () => void;
}

function dial({ gatewayUrl, env, ca }: SessionSettings, token: string, ctx: Context): Connection {
  const heardAt: number[] = [];
  const open = deferred<Wire>();
  const acknowledged = deferred<Acknowledged>();
  const ended = deferred<Ending>();
  let wire: Wire | undefined;
  let gaveWay = false;
  const close = (): void => {
    if (wire) wire.close(CLOSE.normal, 'doctor');
    else attempt.abort();
  };
  const attempt = dialThrough(() =>
    proxyOf(gatewayUrl, env) ? proxyAgent(gatewayUrl, { env, ca }) : undefined,
  )(
    { url: gatewayUrl, token, ...(ca === undefined ? {} : { ca }) },
    {
      open: opened => {
        wire = opened;
        open.resolve(opened);
      },
      text: message => {
        const frame = decode(message);
        if (frame === undefined) return;
        if (frame.type === 'hello-ack') {
          acknowledged.resolve({ version: frame.serverVersion, sources: frame.assignedSources });
        }
        // A gateway that gives jobs to anybody: it moves them on when we are gone.
        if (frame.type === 'job') {
          gaveWay = true;
          wire?.close(CLOSE.goingAway, 'doctor');
        }
      },
      heard: () => heardAt.push(ctx.clock.monotonic()),
      pong: () => {},
      ended: ended.resolve,
    },
  );
  return {
    opened: open.promise,
    acknowledged: acknowledged.promise,
    ended: ended.promise,
    heardAt,
    gaveWay: () => gaveWay,
    close,
  };
}

/** A frame that cannot be read is passed over: whatever comes of it shows in how the connection ends. */
function decode(message: string): ReturnType<typeof decodeServerFrame> | undefined {
  try {
    return decodeServerFrame(message);
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}

/** An upgrade that was not let through, or whose token was not taken. */
function judgeRefusal(ending: Ending, settings: SessionSettings): Finding[] {
  const { token, plain, gatewayUrl } = settings;
  if (ending.kind !== 'answered') {
    return [failed('upgrade', describe(ending), 'does every proxy in between let WebSocket through?')];
  }
  const { status, message } = ending;
  if (status === 401 || (status === 403 && isOurs(plain))) {
    const arrived = ok('upgrade', 'the WebSocket upgrade goes through');
    if (token === undefined) return [arrived];
    const refused = `the gateway refuses the token (HTTP ${status}): it is wrong, rotated or revoked`;
    return [
      arrived,
      failed(
        'token',
        refused,
        'semilayer runners rotate <runner> makes another; was the old one left in a file?',
      ),
    ];
  }
  if (status === 429 || status === 503) {
    return [warning('upgrade', message, 'try again in a minute; semilayer doctor asks the gateway once')];
  }
  if (isOurs(plain) && [200, 400, 404, 426].includes(status) && new URL(gatewayUrl).pathname === '/connect') {
    return [
      failed(
        'upgrade',
        `the upgrade to WebSocket was stripped on the way (HTTP ${status} instead of 101)`,
        'let the proxy in between pass the headers Upgrade and Connection, for example proxy_set_header Upgrade $http_upgrade in nginx',
      ),
    ];
  }
  const hint =
    status === 404
      ? 'check SEMILAYER_GATEWAY_URL and --gateway-url'
      : 'is SEMILAYER_GATEWAY_URL the gateway, and is no login page or filter in between?';
  return [failed('upgrade', message, hint)];
}

/** Whether a SemiLayer gateway answered the plain request, so that what stands in the way is on the way. */
function isOurs({ status, headers, body }: ProbeAnswer): boolean {
  return status === 200 && /json/.test(headers['content-type'] ?? '') && /"status"/.test(body);
}

/** After the upgrade: the gateway did not like the hello. */
function judgeClose(ending: Ending, runnerId: string): Finding {
  if (ending.kind !== 'closed') return failed('protocol', describe(ending), null);
  switch (ending.code) {
    case CLOSE.unauthorized:
      return failed('token', describe(ending), 'semilayer runners rotate <runner> makes another');
    case CLOSE.wrongRunner:
      return failed(
        'token',
        `the token belongs to another runner than ${runnerId}`,
        'ID and token go together: compare the fingerprint with semilayer runners show <runner>',
      );
    case CLOSE.noCommonVersion:
      return failed('protocol', describe(ending), 'update semilayer here, or the gateway');
    case CLOSE.normal:
      return failed(
        'protocol',
        `no hello-ack within ${ACK_TIMEOUT_MS / 1000} s`,
        'is that a SemiLayer gateway, and does every proxy in between pass WebSocket frames?',
      );
    default:
      return failed('protocol', describe(ending), 'try again; the log of the gateway may say more');
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>(done => {
    resolve = done;
  });
  return { promise, resolve };
}
