/** Who is calling: API keys, and Console sessions that stand for one. */
import { AppError } from '../errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import { hashSecret, TOKEN_SECRET_BYTES } from '../protocol/token.ts';
import type { ApiKeyRecord, Store } from '../store/store.ts';
import type { Known } from './catalog.ts';
import type { Principal } from './services.ts';

/** Time to open a link that a terminal printed. */
export const LINK_LIFETIME_MS = 300_000;
/** A working day: a page that stays open on a wall asks for a new link in the morning. */
const SESSION_LIFETIME_MS = 43_200_000;
/** Longest key that is looked up. */
const MAX_KEY_LENGTH = 1_024;
/** Links and sessions are few; beyond this the oldest go, so that nobody can fill the memory with them. */
const MAX_REMEMBERED = 10_000;

interface Issued {
  principal: Principal;
  expiresAt: number;
}

export interface AuthenticatorOptions {
  store: Store;
  clock: Clock;
  random: Random;
}

export class Authenticator {
  readonly #options: AuthenticatorOptions;
  /** By the key's hash. Emptied whenever a key changes. */
  #keys = new Map<string, Principal>();
  /** By the code's or token's hash: what is kept here opens nothing by itself. */
  readonly #codes = new Map<string, Issued>();
  readonly #sessions = new Map<string, Issued>();

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /**
   * The principal of an `Authorization` header: at once where it was here before.
   *
   * @throws AppError `unauthorized`; the same whether there is no header, no such key, or one that was revoked.
   */
  authenticate(authorization: string | undefined): Known<Principal> {
    const secret = bearerOf(authorization);
    if (secret === undefined || secret.length > MAX_KEY_LENGTH) return this.#refuse(secret);
    const hash = hashSecret(secret);
    const known = this.#keys.get(hash) ?? this.#session(hash);
    return known ?? this.#lookUp(hash).then(found => found ?? this.#refuse(secret));
  }

  #refuse(secret: string | undefined): never {
    throw new AppError('unauthorized', {
      message: secret === undefined ? 'no API key was sent' : 'the API key is unknown or was revoked',
      hint: secret?.startsWith('rk_')
        ? 'that is a runner token; the service takes API keys, which start with sk_'
        : 'semilayer login, or set SEMILAYER_API_KEY',
    });
  }

  /** A code that `redeem` takes once, within five minutes. */
  issueCode(principal: Principal): { code: string; expiresAt: number } {
    const expiresAt = this.#options.clock.now() + LINK_LIFETIME_MS;
    return { code: this.#issue(this.#codes, { principal, expiresAt }), expiresAt };
  }

  /** @throws AppError `unauthorized` for a code that is unknown, used or too old. */
  redeem(code: string): { token: string; principal: Principal; expiresAt: number } {
    const hash = hashSecret(code);
    const issued = this.#codes.get(hash);
    this.#codes.delete(hash);
    if (!issued || issued.expiresAt <= this.#options.clock.now()) {
      throw new AppError('unauthorized', {
        message: 'this link was used before or is too old',
        hint: 'make another: semilayer console',
      });
    }
    const expiresAt = this.#options.clock.now() + SESSION_LIFETIME_MS;
    const { principal } = issued;
    return { token: this.#issue(this.#sessions, { principal, expiresAt }), principal, expiresAt };
  }

  /** Ends the Console session of an `Authorization` header; a key is not ended by this. */
  endSession(authorization: string | undefined): void {
    const secret = bearerOf(authorization);
    if (secret !== undefined) this.#sessions.delete(hashSecret(secret));
  }

  /** A key was revoked: whatever stood for it ends with it. */
  keyChanged(keyId: string): void {
    this.#keys = new Map();
    for (const issued of [this.#codes, this.#sessions]) {
      for (const [hash, { principal }] of issued) if (principal.keyId === keyId) issued.delete(hash);
    }
  }

  #session(hash: string): Principal | undefined {
    const session = this.#sessions.get(hash);
    if (!session) return undefined;
    if (session.expiresAt > this.#options.clock.now()) return session.principal;
    this.#sessions.delete(hash);
    return undefined;
  }

  async #lookUp(hash: string): Promise<Principal | undefined> {
    const keys = this.#keys;
    const record = await this.#options.store.findKeyByHash(hash);
    if (!record) return undefined;
    const principal = principalOf(record);
    // Into the map of before: a key revoked while the store was read must not come back.
    keys.set(hash, principal);
    return principal;
  }

  #issue(issued: Map<string, Issued>, entry: Issued): string {
    const secret = this.#options.random.bytes(TOKEN_SECRET_BYTES).toString('base64url');
    issued.set(hashSecret(secret), entry);
    if (issued.size > MAX_REMEMBERED) {
      const [oldest] = issued.keys();
      if (oldest !== undefined) issued.delete(oldest);
    }
    return secret;
  }
}

function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer ([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1];
}

function principalOf(record: ApiKeyRecord): Principal {
  return { keyId: record.id, name: record.name, role: record.role };
}
