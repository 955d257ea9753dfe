/** Looking records up by what people type, and saying so when there is none. */
import { AppError } from '../errors.ts';

export type RecordKind = 'runner' | 'source' | 'key';

/** A LIKE pattern that matches the text anywhere, its own wildcards taken literally. */
export function likePart(text: string | undefined): string {
  return text === undefined ? '%' : `%${text.replace(/[\\%_]/g, '\\$&')}%`;
}

export function notFound(kind: RecordKind, idOrName: string): AppError {
  return new AppError('not_found', {
    message: `there is no ${kind} ${JSON.stringify(idOrName.slice(0, 80))}`,
    hint: `semilayer ${kind}s list`,
  });
}

export function nameTaken(kind: RecordKind, name: string): AppError {
  return new AppError('conflict', {
    message: `there is a ${kind} named ${JSON.stringify(name)} already`,
    hint: `choose another name, or see it: semilayer ${kind}s list`,
  });
}

export function timeOrNull(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
