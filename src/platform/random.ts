/** The random port: jitter and identifiers, replaceable in tests by a seeded sequence. */
import { randomBytes, randomUUID } from 'node:crypto';

export interface Random {
  /** Uniform in [0, 1): jitter and load spreading, never secrets. */
  fraction(): number;
  /** Cryptographically strong bytes. */
  bytes(count: number): Buffer;
  /** A version 4 UUID, lower case. */
  uuid(): string;
}

export const systemRandom: Random = {
  fraction: () => Math.random(),
  bytes: count => randomBytes(count),
  uuid: () => randomUUID(),
};
