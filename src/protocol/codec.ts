/** Text to frame and back: every frame is validated here, and trusted behind this line. */
import { ACCEPTED, known, OFFERED } from './frame-features.ts';
import {
  array,
  boolean,
  type Fields,
  FrameError,
  fields,
  identifier,
  integer,
  label,
  number,
  objects,
  string,
  strings,
} from './frame-fields.ts';
import {
  type AggregateRow,
  type AssignedSource,
  type ClientFrame,
  type DoneMeta,
  JOB_KINDS,
  type JobCaller,
  type JobKind,
  type JobRow,
  type RejectReason,
  type ServerFrame,
  type ServerJob,
} from './frames.ts';
import { jsonTooDeep } from './json-depth.ts';
import { MAX_FRAME_BYTES, MAX_JSON_DEPTH } from './limits.ts';

/** A frame whose type this version does not know: ignored and counted, as the protocol demands. */
export interface UnknownFrame {
  type: '$unknown';
  /** The type it gave itself, cut to 64 characters. */
  name: string;
}

/** The text of a frame, ready for the socket. */
export function encodeFrame(frame: ClientFrame | ServerFrame): string {
  return JSON.stringify(frame);
}

/** As `encodeFrame`, with the source made a text once for all the jobs that have this same object for it. */
export function encodeJob({ id, params: { source, job }, deadlineMs, attempt, caller }: ServerJob): string {
  let text = sourceTexts.get(source);
  if (text === undefined) {
    text = JSON.stringify(source);
    sourceTexts.set(source, text);
  }
  const params = `{"source":${text},"job":${JSON.stringify(job)}}`;
  const tries = attempt === undefined ? '' : `,"attempt":${attempt}`;
  const asked = caller === undefined ? '' : `,"caller":${JSON.stringify(caller)}`;
  return `{"id":${JSON.stringify(id)},"type":"job","params":${params},"deadlineMs":${deadlineMs}${tries}${asked}}`;
}

const sourceTexts = new WeakMap<AssignedSource, string>();

/**
 * A frame from a runner.
 *
 * @throws FrameError when it is not one.
 */
export function decodeClientFrame(text: string): ClientFrame | UnknownFrame {
  const frame = parse(text);
  switch (frame.type) {
    case 'hello': {
      const { runtimeVersion, minVersion, instance, features } = frame;
      return {
        type: 'hello',
        version: integer(frame.version, 'hello.version', 1),
        // Whatever it is, it is held against the token's runner.
        runnerId: string(frame.runnerId, 'hello.runnerId'),
        capabilities: strings(frame.capabilities, 'hello.capabilities'),
        ...(runtimeVersion === undefined
          ? {}
          : { runtimeVersion: label(runtimeVersion, 'hello.runtimeVersion') }),
        ...(minVersion === undefined ? {} : { minVersion: integer(minVersion, 'hello.minVersion', 0) }),
        ...(instance === undefined ? {} : { instance: label(instance, 'hello.instance') }),
        ...(features === undefined ? {} : { features: known(features, OFFERED, 'hello.features') }),
      };
    }
    case 'heartbeat':
      return frame.stats === undefined
        ? { type: 'heartbeat' }
        : { type: 'heartbeat', stats: stats(frame.stats) };
    case 'chunk': {
      const { agg, total, approximate } = frame;
      return {
        id: identifier(frame.id, 'chunk.id'),
        type: 'chunk',
        rows: objects(frame.rows, 'chunk.rows') as JobRow[],
        ...(agg === undefined ? {} : { agg: objects(agg, 'chunk.agg') as unknown as AggregateRow[] }),
        ...(total === undefined ? {} : { total: number(total, 'chunk.total', 0) }),
        ...(approximate === undefined ? {} : { approximate: boolean(approximate, 'chunk.approximate') }),
      };
    }
    case 'done': {
      const id = identifier(frame.id, 'done.id');
      return frame.meta === undefined
        ? { id, type: 'done' }
        : { id, type: 'done', meta: doneMeta(frame.meta) };
    }
    case 'error':
      return {
        id: identifier(frame.id, 'error.id'),
        type: 'error',
        code: string(frame.code, 'error.code'),
        message: string(frame.message, 'error.message'),
      };
    case 'drain':
      return { type: 'drain' };
    case 'accept':
      return { id: identifier(frame.id, 'accept.id'), type: 'accept' };
    case 'reject':
      return {
        id: identifier(frame.id, 'reject.id'),
        type: 'reject',
        reason: rejectReason(frame.reason),
      };
    default:
      return unknown(frame);
  }
}

/**
 * A frame from a gateway.
 *
 * @throws FrameError when it is not one; with `jobId` when only that job is at fault.
 */
export function decodeServerFrame(text: string): ServerFrame | UnknownFrame {
  const frame = parse(text);
  switch (frame.type) {
    case 'hello-ack':
      return {
        type: 'hello-ack',
        serverVersion: integer(frame.serverVersion, 'hello-ack.serverVersion'),
        assignedSources: sources(frame.assignedSources, 'hello-ack.assignedSources'),
        ...(frame.features === undefined
          ? {}
          : { features: known(frame.features, ACCEPTED, 'hello-ack.features') }),
      };
    case 'assignments-changed':
      return {
        type: 'assignments-changed',
        assignedSources: sources(frame.assignedSources, 'assignments-changed.assignedSources'),
      };
    case 'job':
      return job(frame);
    case 'cancel':
      return { id: identifier(frame.id, 'cancel.id'), type: 'cancel' };
    case 'ping':
      return { type: 'ping' };
    case 'credit':
      return {
        id: identifier(frame.id, 'credit.id'),
        type: 'credit',
        bytes: integer(frame.bytes, 'credit.bytes', 1, Number.MAX_SAFE_INTEGER),
      };
    case 'drain':
      return { type: 'drain' };
    case 'ended':
      return { type: 'ended', count: integer(frame.count, 'ended.count', 0) };
    default:
      return unknown(frame);
  }
}

/** A copy fit for a log: the values of source configs read `[redacted]`, their keys remain. */
export function redactFrame(frame: ServerFrame | ClientFrame): ServerFrame | ClientFrame {
  switch (frame.type) {
    case 'hello-ack':
    case 'assignments-changed':
      return { ...frame, assignedSources: frame.assignedSources.map(redactSource) };
    case 'job':
      return { ...frame, params: { ...frame.params, source: redactSource(frame.params.source) } };
    default:
      return frame;
  }
}

function redactSource(source: AssignedSource): AssignedSource {
  if (!source.config) return source;
  return {
    ...source,
    config: Object.fromEntries(Object.keys(source.config).map(key => [key, '[redacted]'])),
  };
}

function parse(text: string): Fields & { type: string } {
  // Characters are at least bytes, so this bounds the work whoever framed the text.
  if (text.length > MAX_FRAME_BYTES) throw new FrameError('larger than 16 MiB');
  if (jsonTooDeep(text, MAX_JSON_DEPTH)) throw new FrameError(`nested deeper than ${MAX_JSON_DEPTH}`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new FrameError('not JSON');
  }
  const frame = fields(value, 'frame');
  string(frame.type, 'type');
  return frame as Fields & { type: string };
}

function job(frame: Fields): ServerJob {
  const id = identifier(frame.id, 'job.id');
  let code: 'INTERNAL' | 'UNSUPPORTED_JOB' = 'INTERNAL';
  try {
    const params = fields(frame.params, 'job.params');
    const instruction = fields(params.job, 'job.params.job');
    const kind = string(instruction.kind, 'job.params.job.kind');
    if (!isJobKind(kind)) {
      code = 'UNSUPPORTED_JOB';
      throw new FrameError('job.params.job.kind is unknown');
    }
    return {
      id,
      type: 'job',
      params: {
        source: source(params.source, 'job.params.source'),
        job: {
          kind,
          target: string(instruction.target, 'job.params.job.target'),
          options: fields(instruction.options, 'job.params.job.options'),
        },
      },
      deadlineMs: number(frame.deadlineMs, 'job.deadlineMs'),
      ...(frame.caller === undefined ? {} : { caller: caller(frame.caller) }),
      ...(frame.attempt === undefined ? {} : { attempt: integer(frame.attempt, 'job.attempt', 1) }),
    };
  } catch (error) {
    throw error instanceof FrameError ? new FrameError(error.reason, id, code) : error;
  }
}

function caller(value: unknown): JobCaller {
  const { name, requestId, traceparent } = fields(value, 'job.caller');
  return {
    name: label(name, 'job.caller.name'),
    requestId: label(requestId, 'job.caller.requestId'),
    ...(traceparent === undefined ? {} : { traceparent: label(traceparent, 'job.caller.traceparent') }),
  };
}

function isJobKind(kind: string): kind is JobKind {
  return (JOB_KINDS as readonly string[]).includes(kind);
}

function sources(value: unknown, where: string): AssignedSource[] {
  return array(value, where).map((one, index) => source(one, `${where}[${index}]`));
}

function source(value: unknown, where: string): AssignedSource {
  const { id, name, bridge, credentialsLocation, config } = fields(value, where);
  if (credentialsLocation !== 'managed' && credentialsLocation !== 'runner-local') {
    throw new FrameError(`${where}.credentialsLocation is neither managed nor runner-local`);
  }
  return {
    id: identifier(id, `${where}.id`),
    name: identifier(name, `${where}.name`),
    bridge: identifier(bridge, `${where}.bridge`),
    credentialsLocation,
    ...(config === undefined ? {} : { config: fields(config, `${where}.config`) }),
  };
}

function stats(value: unknown): { activeJobs: number; memoryMb?: number } {
  const { activeJobs, memoryMb } = fields(value, 'heartbeat.stats');
  return {
    activeJobs: number(activeJobs, 'heartbeat.stats.activeJobs', 0),
    ...(memoryMb === undefined ? {} : { memoryMb: number(memoryMb, 'heartbeat.stats.memoryMb', 0) }),
  };
}

function doneMeta(value: unknown): DoneMeta {
  const { count, durationMs, nextCursor, total } = fields(value, 'done.meta');
  return {
    count: number(count, 'done.meta.count', 0),
    durationMs: number(durationMs, 'done.meta.durationMs', 0),
    ...(nextCursor === undefined ? {} : { nextCursor: string(nextCursor, 'done.meta.nextCursor') }),
    ...(total === undefined ? {} : { total: number(total, 'done.meta.total', 0) }),
  };
}

/** A reason that we do not know says as much as that there is no room. */
function rejectReason(value: unknown): RejectReason {
  return string(value, 'reject.reason') === 'draining' ? 'draining' : 'busy';
}

function unknown(frame: Fields & { type: string }): UnknownFrame {
  return { type: '$unknown', name: frame.type.slice(0, 64) };
}
