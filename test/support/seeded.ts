/** Numbers that look random, from a seed that is printed: SEMILAYER_TEST_SEED brings the same ones again. */
import type { TestContext } from 'node:test';

export interface Seeded {
  readonly seed: number;
  /** From 0 to below 1. */
  fraction(): number;
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  pick<T>(items: readonly T[]): T;
}

export function seeded(t: Pick<TestContext, 'diagnostic'>): Seeded {
  const given = process.env.SEMILAYER_TEST_SEED;
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(given);
  t.diagnostic(`seed ${seed} (SEMILAYER_TEST_SEED=${seed} brings it again)`);
  return fromSeed(seed);
}

/** Mulberry32: small, and good enough to choose with. */
export function fromSeed(seed: number): Seeded {
  let state = seed | 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(fraction() * limit);
  return { seed, fraction, below, pick: items => items[below(items.length)] as (typeof items)[number] };
}
