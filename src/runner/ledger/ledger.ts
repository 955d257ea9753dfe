/** The local record of what left: lines are queued, written together, and durable before a job may go on. */
import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../errors.ts';
import type { Clock } from '../../platform/clock.ts';
import { type HeldLock, holdLock } from '../../platform/held-lock.ts';
import { makeDirectory } from '../../platform/make-directory.ts';
import { formatPosition, type LedgerRecord, nextLine, type Position, START } from './chain.ts';
import { cutTail, fileName, LOCK_FILE, openHead, readHead, readTail } from './ledger-files.ts';

/** About a day of a busy runner, and small enough to be read in a second. */
export const DEFAULT_MAX_FILE_BYTES = 64 * 1_048_576;

export interface LedgerOptions {
  directory: string;
  /** Whether every line is on the disk, not only with the system, before its job goes on. */
  fsync: boolean;
  /** What a job does whose line cannot be written: end with an error, or go on unrecorded. */
  onFailure: 'stop' | 'continue';
  maxFileBytes?: number;
  clock: Clock;
  /** What an operator should know: lines that are missing, a disk that is full, and that it no longer is. */
  onWarning: (message: string) => void;
  /** A file of the ledger; a test gives one whose disk is full. */
  openFile?: (path: string, flags: string) => Promise<LedgerFile>;
}

export interface LedgerFile {
  appendFile(text: string): Promise<void>;
  truncate(size: number): Promise<void>;
  datasync(): Promise<void>;
  close(): Promise<void>;
}

interface Pending {
  record: LedgerRecord;
  done: (seq: number | null) => void;
  failed: (error: Error) => void;
}

export class Ledger {
  readonly #options: LedgerOptions;
  readonly #lock: HeldLock;
  readonly #head: FileHandle;
  #file: LedgerFile;
  #number: number;
  #size: number;
  #position: Position;
  #queue: Pending[] = [];
  #writing: Promise<void> | undefined;
  #missed = 0;
  #failing = false;
  /** Bytes behind the last whole line, of a write that failed. */
  #dirty = false;

  private constructor(
    options: LedgerOptions,
    state: {
      lock: HeldLock;
      head: FileHandle;
      file: LedgerFile;
      number: number;
      size: number;
      position: Position;
    },
  ) {
    this.#options = options;
    this.#lock = state.lock;
    this.#head = state.head;
    this.#file = state.file;
    this.#number = state.number;
    this.#size = state.size;
    this.#position = state.position;
  }

  /**
   * Takes the directory for this process and goes on where the ledger ends. What a crash cut short is cut off and
   * recorded; where lines are missing or changed, that is recorded too, and stays a fault for `ledger verify`.
   *
   * @throws AppError `conflict` when another runner writes there, `usage` when it cannot be written to.
   */
  static async open(options: LedgerOptions): Promise<Ledger> {
    const { directory, openFile = openAppend } = options;
    let lock: HeldLock | undefined;
    try {
      await makeDirectory(directory);
      lock = await holdLock(join(directory, LOCK_FILE));
      if (!lock) {
        throw new AppError('conflict', {
          message: `another runner writes the ledger in ${directory}`,
          hint: 'give each process a directory of its own with --ledger',
        });
      }
      const [tail, expected] = [await readTail(directory), await readHead(directory)];
      const size = tail.size - tail.tornBytes;
      if (tail.tornBytes > 0) await cutTail(directory, tail.file, size);
      const head = await openHead(directory);
      const number = Math.max(1, tail.file);
      const file = await openFile(fileName(directory, number), 'a');
      // Behind a line that cannot be read, the numbers go on from where they had been.
      const position = tail.intact ? tail.position : (expected ?? START);
      const ledger = new Ledger(options, { lock, head, file, number, size, position });
      if (tail.tornBytes > 0) await ledger.append({ type: 'recovered', lostBytes: tail.tornBytes });
      if (!tail.intact || (expected && expected.seq > 0 && !reaches(tail.position, expected))) {
        options.onWarning(
          `the ledger in ${directory} does not end where it did: lines were lost or changed; semilayer ledger verify`,
        );
        const found = tail.intact ? formatPosition(tail.position) : 'a line that is not as it was written';
        await ledger.append({
          type: 'broken',
          expected: expected ? formatPosition(expected) : 'unknown',
          found,
        });
      }
      return ledger;
    } catch (error) {
      lock?.release();
      if (error instanceof AppError) throw error;
      const code = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
      throw new AppError('usage', {
        message: `no ledger can be kept in ${directory} (${code})`,
        hint: 'name a directory that this user may write to with --ledger',
        cause: error,
      });
    }
  }

  /** Number and hash of the last line: whoever keeps it elsewhere can tell that the ledger still holds it. */
  get position(): string {
    return formatPosition(this.#position);
  }

  /** Whether the last line could not be written. */
  get failing(): boolean {
    return this.#failing;
  }

  /**
   * Resolves with the line's number once it is written; with null where it could not be and jobs go on without.
   *
   * @throws AppError `ledger_failed` where they do not.
   */
  append(record: LedgerRecord): Promise<number | null> {
    return new Promise((done, failed) => {
      this.#queue.push({ record, done, failed });
      this.#writing ??= this.#drain();
    });
  }

  /** Writes what waits, and gives the directory back. */
  async close(): Promise<void> {
    await this.append({ type: 'closed' }).catch(() => {});
    await this.#writing;
    await Promise.allSettled([this.#file.close(), this.#head.close()]);
    this.#lock.release();
  }

  async #drain(): Promise<void> {
    // Lines of the same turn go out in one write.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0);
      try {
        const numbers = await this.#write(batch.map(one => one.record));
        for (const [index, one] of batch.entries()) one.done(numbers[index] as number);
      } catch (error) {
        this.#fail(batch, error);
      }
    }
    this.#writing = undefined;
  }

  async #write(records: LedgerRecord[]): Promise<number[]> {
    const { clock, fsync, maxFileBytes = DEFAULT_MAX_FILE_BYTES } = this.#options;
    if (this.#dirty) await this.#clean();
    if (this.#size >= maxFileBytes) await this.#rotate();
    const all: LedgerRecord[] =
      this.#missed > 0 ? [{ type: 'missed', lines: this.#missed }, ...records] : records;
    let text = '';
    let position = this.#position;
    const numbers: number[] = [];
    for (const record of all) {
      const next = nextLine(record, clock.now(), position);
      text += next.line;
      position = next.position;
      numbers.push(position.seq);
    }
    try {
      await this.#file.appendFile(text);
      if (fsync) await this.#file.datasync();
    } catch (error) {
      this.#dirty = true;
      await this.#clean().catch(() => {});
      throw error;
    }
    this.#size += Buffer.byteLength(text);
    this.#position = position;
    this.#missed = 0;
    if (this.#failing) this.#options.onWarning('the ledger can be written again');
    this.#failing = false;
    // In place and within one sector: a crash leaves the old one or the new one.
    await this.#head.write(`${formatPosition(position).padEnd(100)}\n`, 0).catch(() => {});
    return numbers.slice(-records.length);
  }

  /** Takes back what a failed write left of itself. */
  async #clean(): Promise<void> {
    await this.#file.truncate(this.#size);
    this.#dirty = false;
  }

  async #rotate(): Promise<void> {
    const { directory, openFile = openAppend } = this.#options;
    const file = await openFile(fileName(directory, this.#number + 1), 'ax');
    await this.#file.close();
    this.#file = file;
    this.#number++;
    this.#size = 0;
  }

  #fail(batch: Pending[], error: unknown): void {
    const { onFailure, onWarning, directory } = this.#options;
    const reason = (error as NodeJS.ErrnoException).code ?? (error as Error).message;
    const stops = onFailure === 'stop';
    if (!this.#failing) {
      const consequence = stops ? 'jobs are refused until it can be' : 'jobs go on unrecorded';
      onWarning(`the ledger in ${directory} cannot be written (${reason}): ${consequence}`);
    }
    this.#failing = true;
    this.#missed += batch.length;
    for (const one of batch) {
      if (!stops) one.done(null);
      else {
        const message = `this runner cannot record what it answers (${reason}), so it answers nothing`;
        one.failed(new AppError('ledger_failed', { message, cause: error }));
      }
    }
  }
}

/** Whether the chain that ends here can have been where the head says. */
function reaches(tail: Position, head: Position): boolean {
  return tail.seq > head.seq || (tail.seq === head.seq && tail.hash === head.hash);
}

async function openAppend(path: string, flags: string): Promise<LedgerFile> {
  return await open(path, flags, 0o600);
}
