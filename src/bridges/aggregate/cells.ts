/** Computed cells of an answer, in the forms that docs/aggregates.md promises, whatever the driver made of them. */
import { isSafe } from '../json-value.ts';

/** A number; what JSON has none for as its name. */
export function readReal(cell: unknown): unknown {
  if (cell === null) return null;
  const value = Number(cell);
  return Number.isFinite(value) ? value : String(cell);
}

/** Exact: a number while it is safe, else its digits. */
export function readInteger(cell: unknown): unknown {
  if (cell === null) return null;
  const value = BigInt(typeof cell === 'bigint' ? cell : String(cell).replace(/\.0*$/, ''));
  return isSafe(value) ? Number(value) : value.toString();
}

/** Exact, as every decimal: its digits. */
export function readDecimal(cell: unknown): unknown {
  return cell === null ? null : String(cell);
}

export function readCount(cell: unknown): number {
  return Number(cell ?? 0);
}

/** The bound of a bucket from its number, without the dust that binary fractions leave (3 * 0.1). */
export function boundOf(index: number, step: number): number {
  const bound = index * step;
  return Number.isInteger(step) ? bound : Number(bound.toPrecision(15));
}
