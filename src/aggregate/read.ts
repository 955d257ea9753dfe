/** Values out of JSON, each refused by its place where it is not what it must be. */
import { checkField, WhereError } from '../where/where.ts';

export type Fields = Record<string, unknown>;

export function object(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${place} is not an object`);
  }
  return value as Fields;
}

/** An array of this many at most; an empty one where nothing is given. */
export function list(value: unknown, place: string, most: number): unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw invalid(`${place} is not an array`);
  if (value.length > most) throw invalid(`${place} has more than ${most} items`);
  return value;
}

export function field(value: unknown, place: string): string {
  return checkField(text(value, place), place);
}

export function text(value: unknown, place: string): string {
  if (typeof value !== 'string') throw invalid(`${place} is not a string`);
  return value;
}

export function number(value: unknown, place: string): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalid(`${place} is not a number`);
  return value;
}

export function wholeNumber(value: unknown, place: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    throw invalid(`${place} is not a whole number of ${range}`);
  }
  return value;
}

export function invalid(message: string): WhereError {
  return new WhereError('invalid', message);
}

/** @param op what nobody has, as the caller wrote it. */
export function unsupported(op: string, place: string, message: string): WhereError {
  return new WhereError('unsupported_operator', `${place}: ${message} ${shown(op)}`, op);
}

/** A key of the caller's, short enough for an error. */
export function shown(key: string): string {
  return JSON.stringify(key.length > 80 ? `${key.slice(0, 80)}…` : key);
}
