/** What commander found wrong, in the product's words. */
import type { CommanderError } from 'commander';
import { AppError } from '../errors.ts';

/** Codes of commander that are no errors: it has printed what was asked for. */
const PRINTED = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

export function hasPrinted(error: CommanderError): boolean {
  return PRINTED.has(error.code);
}

/** A usage error that says no more gets the help of its own command, not that of the whole program, for a hint. */
export function pointedToHelp(error: unknown, words: readonly string[]): unknown {
  if (!(error instanceof AppError) || error.code !== 'usage' || error.hint !== undefined) return error;
  const { message, cause, requestId, retryable, stack } = error;
  const hint = `semilayer ${[...words, '--help'].join(' ')}`;
  const pointed = new AppError('usage', { message, hint, cause, requestId, retryable });
  if (stack !== undefined) pointed.stack = stack;
  return pointed;
}

/** A usage error; the suggestion, where there is one, is the hint. */
export function usageErrorOf(error: CommanderError, words: readonly string[]): AppError {
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /^\(Did you mean (.+?)\?\)$/s.exec(rest.join('\n').trim())?.[1];
  const help = `semilayer ${[...words, '--help'].join(' ')}`;
  return new AppError('usage', {
    message: first,
    hint: suggestion === undefined ? help : `did you mean ${suggestion}? ${help} shows what there is`,
  });
}
