/** The first admin key of an empty data directory. */
import { AppError } from '../errors.ts';
import type { Random } from '../platform/random.ts';
import { fingerprintOf, formatSecret, hashSecret, TOKEN_SECRET_BYTES } from '../protocol/token.ts';
import type { Actor, Role, Store } from '../store/store.ts';

/** The gateway itself, in the audit log. */
export const GATEWAY_ACTOR: Actor = { keyId: null, name: 'gateway' };

/** A key of the operator's own making needs as much entropy as it can hold in that many characters. */
const MIN_KEY_LENGTH = 'sk_'.length + 32;
const MAX_KEY_LENGTH = 1_024;

export type FirstKey =
  /** Made here: the only time it can be shown. */
  { from: 'made'; secret: string; fingerprint: string } | { from: 'environment'; fingerprint: string };

/**
 * Gives an empty store its first admin key; undefined when it has keys already.
 *
 * @param offered the value of `SEMILAYER_API_KEY`, where it is set.
 * @throws AppError `usage` when the offered key is not `sk_` and at least 32 more characters.
 */
export async function bootstrapKey(
  store: Store,
  random: Random,
  offered: string | undefined,
): Promise<FirstKey | undefined> {
  if ((await store.countKeys()) > 0) return undefined;
  if (offered !== undefined && offered !== '') {
    if (
      !/^sk_[\x21-\x7e]+$/.test(offered) ||
      offered.length < MIN_KEY_LENGTH ||
      offered.length > MAX_KEY_LENGTH
    ) {
      throw new AppError('usage', {
        message:
          'SEMILAYER_API_KEY cannot become the first admin key: it must be sk_ and at least 32 more characters',
        hint: 'unset it to have a key made and printed once',
      });
    }
    const fingerprint = await addKey(store, random, 'admin', 'admin', offered);
    return { from: 'environment', fingerprint };
  }
  const secret = formatSecret('sk_', random.bytes(TOKEN_SECRET_BYTES));
  const fingerprint = await addKey(store, random, 'admin', 'admin', secret);
  return { from: 'made', secret, fingerprint };
}

/** Stores a key by its hash; returns its fingerprint. */
export async function addKey(
  store: Store,
  random: Random,
  name: string,
  role: Role,
  secret: string,
): Promise<string> {
  const fingerprint = fingerprintOf(secret);
  await store.createKey(
    { id: random.uuid(), name, role, hash: hashSecret(secret), fingerprint },
    GATEWAY_ACTOR,
  );
  return fingerprint;
}
