/** Rows as lines of JSON, in batches. */
import { isUtf8 } from 'node:buffer';
import type { FieldPacket } from 'mysql2';
import type { RowLines } from '../bridge.ts';
import { type Encoder, encoderOf, roomFor } from './value-encoders.ts';

/** A batch is full at this size. */
export const BATCH_BYTES = 65_536;
/** Room behind a full batch, so that the last row of most fits. */
const SLACK_BYTES = 16_384;
const FIRST_BYTES = 4_096;

const NULL = Buffer.from('null');

interface Column {
  /** What stands before the value: a brace or comma, the name, the colon. */
  lead: Buffer;
  encode: Encoder;
}

export class RowWriter {
  readonly #columns: Column[];
  /** Most answers are short; a batch behind the first is a full one. */
  #size = FIRST_BYTES;
  #out = Buffer.allocUnsafeSlow(0);
  #at = 0;
  #rows = 0;

  /** @param floats names of the columns that are FLOAT, read as doubles. */
  constructor(fields: readonly FieldPacket[], floats: ReadonlySet<string>) {
    this.#columns = fields.map((field, index) => ({
      lead: Buffer.from(`${index === 0 ? '{' : ','}${JSON.stringify(field.name)}:`),
      encode: encoderOf(field, floats.has(field.name)),
    }));
  }

  /** Whether there is a batch worth sending on. */
  get full(): boolean {
    return this.#at >= BATCH_BYTES;
  }

  get empty(): boolean {
    return this.#rows === 0;
  }

  /** @param values of one row, as the protocol has them; those behind the columns are not written. */
  write(values: readonly (Buffer | null)[]): void {
    for (let index = 0; index < this.#columns.length; index++) {
      const { lead, encode } = this.#columns[index] as Column;
      const value = values[index] as Buffer | null;
      this.#makeRoom(lead.length + (value === null ? NULL.length : roomFor(value)) + 2);
      const out = this.#out;
      let at = this.#at;
      for (let byte = 0; byte < lead.length; byte++) out[at++] = lead[byte] as number;
      this.#at = value === null ? at + NULL.copy(out, at) : encode(out, at, value);
    }
    this.#out[this.#at++] = 0x7d;
    this.#out[this.#at++] = 0x0a;
    this.#rows++;
  }

  /** The rows written since the last batch; the writer has a new buffer then. */
  take(): RowLines {
    const lines = this.#out.subarray(0, this.#at);
    const count = this.#rows;
    this.#out = Buffer.allocUnsafeSlow(0);
    this.#size = BATCH_BYTES + SLACK_BYTES;
    this.#at = 0;
    this.#rows = 0;
    // Old tables hold bytes that are no UTF-8: they become replacement characters, as in every decoder.
    return { lines: isUtf8(lines) ? lines : Buffer.from(lines.toString()), count };
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#out.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#size, (this.#at + bytes) * 2));
    this.#out.copy(larger, 0, 0, this.#at);
    this.#out = larger;
  }
}
