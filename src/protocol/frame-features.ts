/** What a hello offers and an answer accepts, read from their frames: what this version does not know is left out. */
import type { AcceptedFeatures, CreditTerms, OfferedFeatures } from './features.ts';
import { fields, integer } from './frame-fields.ts';

type Readers<Features> = {
  [Key in keyof Features]-?: (value: unknown, where: string) => NonNullable<Features[Key]>;
};

export const OFFERED: Readers<OfferedFeatures> = {
  concurrency: limit,
  drain: empty,
  credit: empty,
  rawRows: empty,
  caller: empty,
  attempts: empty,
  endings: empty,
  fastPing: empty,
};

export const ACCEPTED: Readers<AcceptedFeatures> = {
  ...OFFERED,
  credit,
  attempts: (value, where) => ({ acceptMs: positive(value, 'acceptMs', where) }),
  fastPing: (value, where) => ({
    pingMs: positive(value, 'pingMs', where),
    deadMs: positive(value, 'deadMs', where),
  }),
};

/** The features that this version knows; others are ignored. */
export function known<Features extends object>(
  value: unknown,
  readers: Readers<Features>,
  where: string,
): Partial<Features> {
  const given = fields(value, where);
  const features: Partial<Features> = {};
  for (const key of Object.keys(readers) as (keyof Features & string)[]) {
    if (Object.hasOwn(given, key)) features[key] = readers[key](given[key], `${where}.${key}`);
  }
  return features;
}

function positive(value: unknown, key: string, where: string): number {
  return integer(fields(value, where)[key], `${where}.${key}`, 1);
}

function credit(value: unknown, where: string): CreditTerms {
  const windowBytes = positive(value, 'windowBytes', where);
  if (!Object.hasOwn(fields(value, where), 'grantBytes')) return { windowBytes };
  return { windowBytes, grantBytes: positive(value, 'grantBytes', where) };
}

function limit(value: unknown, where: string): { limit: number } {
  return { limit: positive(value, 'limit', where) };
}

function empty(value: unknown, where: string): Record<string, never> {
  fields(value, where);
  return {};
}
