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

/** A first key that is decided on and not stored yet. */
export interface PlannedKey {
  secret: string;
  firstKey: FirstKey;
}

/**
 * The first admin key that an empty store is to be given; undefined when it has keys already. It is stored apart, once
 * the gateway listens: a start that fails must not leave a key behind that nobody was shown.
 *
 * @param offered the value of `SEMILAYER_API_KEY`, where it is set.
 * @throws AppError `usage` when the offered key is not `sk_` and at least 32 more characters.
 */
export async function planFirstKey(
  store: Store,
  random: Random,
  offered: string | undefined,
): Promise<PlannedKey | undefined> {
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
    return { secret: offered, firstKey: { from: 'environment', fingerprint: fingerprintOf(offered) } };
  }
  const secret = formatSecret('sk_', random.bytes(TOKEN_SECRET_BYTES));
  return { secret, firstKey: { from: 'made', secret, fingerprint: fingerprintOf(secret) } };
}

/** Stores a key by its hash. */
export async function addKey(
  store: Store,
  random: Random,
  name: string,
  role: Role,
  secret: string,
): Promise<void> {
  await store.createKey(
    { id: random.uuid(), name, role, hash: hashSecret(secret), fingerprint: fingerprintOf(secret) },
    GATEWAY_ACTOR,
  );
}
