/** The random port: jitter and identifiers, replaceable in tests by a seeded sequence. */
import type * as Crypto from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1): jitter and load spreading, never secrets. */
  fraction(): number;
  /** Cryptographically strong bytes. */
  bytes(count: number): Buffer;
  /** A version 4 UUID, lower case. */
  uuid(): string;
}

/** Loaded when it is first needed: most commands start sooner without it. */
const crypto = (): typeof Crypto => process.getBuiltinModule('node:crypto');

export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: count => crypto().randomBytes(count),
  uuid() {
    const id = crypto().randomUUID();
    // It comes as a tree of its digits, of a dozen nodes, until somebody looks into it; many are kept for long.
    id.charCodeAt(0);
    return id;
  },
};
