/** The fields of a frame as what they must be: each reader gives the value, or names the place of one that is not that. */
import { MAX_ID_LENGTH } from './limits.ts';

export type Fields = Record<string, unknown>;

/**
 * A frame that breaks the protocol. `reason` names the place, never the text: a frame may hold credentials and rows.
 */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly reason: string;
  /** The job that the frame was about, where it could be read: the job fails, and the connection lives. */
  readonly jobId: string | undefined;
  /** What that job fails with. */
  readonly jobCode: 'INTERNAL' | 'UNSUPPORTED_JOB';

  constructor(reason: string, jobId?: string, jobCode: 'INTERNAL' | 'UNSUPPORTED_JOB' = 'INTERNAL') {
    super(`malformed frame: ${reason}`);
    this.reason = reason;
    this.jobId = jobId;
    this.jobCode = jobCode;
  }
}

export function fields(value: unknown, where: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FrameError(`${where} is not an object`);
  }
  return value as Fields;
}

export function array(value: unknown, where: string): unknown[] {
  if (!Array.isArray(value)) throw new FrameError(`${where} is not an array`);
  return value;
}

export function objects(value: unknown, where: string): Fields[] {
  const items = array(value, where);
  // By index: a chunk is the hot frame, and the name of a bad row is only built when there is one.
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    if (typeof item !== 'object' || item === null || Array.isArray(item)) {
      throw new FrameError(`${where}[${index}] is not an object`);
    }
  }
  return items as Fields[];
}

export function strings(value: unknown, where: string): string[] {
  return array(value, where).map((one, index) => string(one, `${where}[${index}]`));
}

export function string(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new FrameError(`${where} is not a string`);
  return value;
}

export function identifier(value: unknown, where: string): string {
  const text = string(value, where);
  if (text.length === 0 || text.length > MAX_ID_LENGTH) {
    throw new FrameError(`${where} is not 1 to ${MAX_ID_LENGTH} characters long`);
  }
  return text;
}

/** A word for people to read: what is too long is cut, not refused. */
export function label(value: unknown, where: string): string {
  return string(value, where).slice(0, MAX_ID_LENGTH);
}

export function boolean(value: unknown, where: string): boolean {
  if (typeof value !== 'boolean') throw new FrameError(`${where} is not a boolean`);
  return value;
}

export function number(value: unknown, where: string, min = Number.NEGATIVE_INFINITY): number {
  // JSON spells no infinity, but 1e999 becomes one.
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min) {
    throw new FrameError(`${where} is not a number${min === 0 ? ' of 0 or more' : ''}`);
  }
  return value;
}

export function integer(
  value: unknown,
  where: string,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    throw new FrameError(
      `${where} is not an integer${min > Number.MIN_SAFE_INTEGER ? ` of ${min} or more` : ''}`,
    );
  }
  return value;
}
