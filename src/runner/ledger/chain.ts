/** Lines of a ledger: each holds the hash of the one before, so that none can be changed, taken out or moved unseen. */
import { createHash } from 'node:crypto';
import type { JobCaller } from '../../protocol/frames.ts';
import type { JobIdentity } from '../events.ts';

/** What is recorded, before it has a place in the chain. */
export type LedgerRecord =
  /** A runner began to write: with these settings. */
  | { type: 'opened'; runner: string; gateway: string; version: string; policy: string | null }
  | { type: 'closed' }
  /** A job was taken up. `options` is the SHA-256 of its options: what was asked, without the values in it. */
  | { type: 'started'; job: JobIdentity; caller: JobCaller | null; options: string; columns: string[] | null }
  /** A job ended. `started` is the number of its first line, or null where it never began. */
  | {
      type: 'ended';
      started: number | null;
      job: JobIdentity;
      columns: string[] | null;
      rows: number;
      bytes: number;
      durationMs: number;
      /** `done`, or the code of its error. */
      ending: string;
    }
  /** A crash cut the last line short; nothing was acknowledged that is not there. */
  | { type: 'recovered'; lostBytes: number }
  /** The ledger did not end where it should have: lines were lost or changed while no runner wrote. */
  | { type: 'broken'; expected: string; found: string }
  /** Lines that could not be written while the disk was full, and jobs went on by configuration. */
  | { type: 'missed'; lines: number };

export type LedgerEntry = LedgerRecord & { seq: number; at: string; prev: string; hash: string };

/** Where a chain stands. */
export interface Position {
  seq: number;
  hash: string;
}

export const START: Position = { seq: 0, hash: '0'.repeat(64) };

/** The line that follows, with its newline, and where the chain stands then. */
export function nextLine(
  record: LedgerRecord,
  at: number,
  after: Position,
): { line: string; position: Position } {
  const seq = after.seq + 1;
  const body = JSON.stringify({ seq, at: new Date(at).toISOString(), prev: after.hash, ...record });
  const hash = hashOf(body);
  return { line: `${body.slice(0, -1)},"hash":"${hash}"}\n`, position: { seq, hash } };
}

const HASH_SUFFIX = /,"hash":"([0-9a-f]{64})"\}$/;

/** @returns undefined for a line that is not as it was written. */
export function readLine(line: string): LedgerEntry | undefined {
  const hash = HASH_SUFFIX.exec(line)?.[1];
  if (hash === undefined || hashOf(`${line.slice(0, -HASH_SUFFIX_LENGTH)}}`) !== hash) return undefined;
  return JSON.parse(line) as LedgerEntry;
}

const HASH_SUFFIX_LENGTH = ',"hash":""}'.length + 64;

export function digestOf(options: unknown): string {
  return hashOf(JSON.stringify(options));
}

export function formatPosition({ seq, hash }: Position): string {
  return `${seq}:${hash}`;
}

export function parsePosition(text: string): Position | undefined {
  const found = /^\s*(\d{1,15}):([0-9a-f]{64})\s*$/.exec(text);
  return found ? { seq: Number(found[1]), hash: found[2] as string } : undefined;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
