/** The files of a ledger: numbered ones that are only appended to, and one that says where they end. */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir, readFile, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type Position, parsePosition, readLine, START } from './chain.ts';

export const LOCK_FILE = 'ledger.lock';
const HEAD_FILE = 'ledger.head';
const NAME = /^ledger-(\d{8})\.jsonl$/;
/** Enough for a line with a hundred columns; a longer last line is read whole. */
const TAIL_BYTES = 65_536;

export interface Tail {
  /** Number of the last file; 0 where there is none. */
  file: number;
  size: number;
  position: Position;
  /** Bytes of a line that was cut short. */
  tornBytes: number;
  /** Whether the last line is as it was written. */
  intact: boolean;
}

export function fileName(directory: string, number: number): string {
  return join(directory, `ledger-${String(number).padStart(8, '0')}.jsonl`);
}

/** Numbers of the files that are there, ascending. */
export async function fileNumbers(directory: string): Promise<number[]> {
  const names = await readdir(directory);
  return names
    .flatMap(name => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/** Where the lines end that are there. */
export async function readTail(directory: string): Promise<Tail> {
  const numbers = await fileNumbers(directory);
  const file = numbers.at(-1) ?? 0;
  const none = { file, size: 0, position: START, tornBytes: 0, intact: true };
  // A file that was begun and not written to yet says nothing: the one before it does.
  for (const number of numbers.reverse()) {
    const path = fileName(directory, number);
    const { size } = await stat(path);
    if (size === 0) continue;
    const { line, tornBytes } = await lastLine(path, size);
    const entry = line === undefined ? undefined : readLine(line);
    const tail = { file, size: number === file ? size : 0, tornBytes: number === file ? tornBytes : 0 };
    if (entry) return { ...tail, position: { seq: entry.seq, hash: entry.hash }, intact: true };
    if (line !== undefined) return { ...tail, position: START, intact: false };
    if (number === file) Object.assign(none, tail);
  }
  return none;
}

async function lastLine(
  path: string,
  size: number,
): Promise<{ line: string | undefined; tornBytes: number }> {
  const handle = await open(path, 'r');
  try {
    for (let length = Math.min(size, TAIL_BYTES); ; length = Math.min(size, length * 4)) {
      const { buffer } = await handle.read(Buffer.alloc(length), 0, length, size - length);
      const end = buffer.lastIndexOf(10);
      const start = end < 0 ? -1 : buffer.subarray(0, end).lastIndexOf(10);
      if (start < 0 && length < size) continue;
      const line = end < 0 ? undefined : buffer.toString('utf8', start + 1, end);
      return { line, tornBytes: buffer.length - 1 - end };
    }
  } finally {
    await handle.close();
  }
}

export async function cutTail(directory: string, file: number, size: number): Promise<void> {
  await truncate(fileName(directory, file), size);
}

/** Where the ledger ended when it was last written to; undefined where it never was. */
export async function readHead(directory: string): Promise<Position | undefined> {
  try {
    return parsePosition(await readFile(join(directory, HEAD_FILE), 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

export async function openHead(directory: string): Promise<FileHandle> {
  return await open(join(directory, HEAD_FILE), constants.O_RDWR | constants.O_CREAT, 0o600);
}
