/** What commander found wrong, in the product's words. */
import type { CommanderError } from 'commander';
import { AppError } from '../errors.ts';

/** Codes of commander that are no errors: it has printed what was asked for. */
const PRINTED = new Set(['commander.helpDisplayed', 'commander.help', 'commander.version']);

export function hasPrinted(error: CommanderError): boolean {
  return PRINTED.has(error.code);
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
