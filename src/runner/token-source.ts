/** Where the token comes from: a fixed value, or a file that is read again when the gateway refuses what it held. */
import { readFile } from 'node:fs/promises';
import { AppError } from '../errors.ts';

export interface TokenSource {
  /** Whether a later read may give another token. */
  readonly mayChange: boolean;
  /**
   * The token as of now.
   *
   * @throws AppError `no_credential` when there is none, or its file cannot be read; the message holds no token.
   */
  read(): Promise<string>;
}

export function fixedToken(token: string): TokenSource {
  return { mayChange: false, read: async () => checked(token, 'the runner token') };
}

export function tokenFile(path: string): TokenSource {
  return {
    mayChange: true,
    async read() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (cause) {
        const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
        throw new AppError('no_credential', {
          message: `the token file ${path} cannot be read (${code})`,
          hint: 'write the token that `semilayer runners create` or `rotate` printed to that file',
        });
      }
      return checked(text, `the token file ${path}`);
    },
  };
}

/** A token is one word: anything else would be a header of the caller's making, so it never reaches the wire. */
function checked(text: string, what: string): string {
  const token = text.replace(/^\uFEFF/, '').trim();
  if (token === '') {
    throw new AppError('no_credential', {
      message: `${what} is empty`,
      hint: 'give it the token that `semilayer runners create` or `rotate` printed',
    });
  }
  if (!/^[\x21-\x7e]+$/.test(token) || token.length > 1024) {
    throw new AppError('usage', {
      message: `${what} does not hold a runner token`,
      hint: 'a token is one word that starts with rk_',
    });
  }
  if (!token.startsWith('rk_')) {
    throw new AppError('usage', {
      message: `${what} does not start with rk_`,
      hint: token.startsWith('sk_') ? 'that is an API key; a runner needs its own rk_ token' : undefined,
    });
  }
  return token;
}
