/** Source configs at rest: AES-256-GCM, bound to the source they belong to. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { AppError } from '../errors.ts';

export const KEY_BYTES = 32;
const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** First byte of every box, so that another construction can come without guessing. */
const FORMAT = 1;

/** `[format, nonce, tag, ciphertext]`. */
export function seal(key: Buffer, sourceId: string, config: Record<string, unknown>): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(sourceId));
  const text = Buffer.concat([cipher.update(JSON.stringify(config), 'utf8'), cipher.final()]);
  return Buffer.concat([Buffer.from([FORMAT]), nonce, cipher.getAuthTag(), text]);
}

/** @throws AppError `store_corrupt` when the box was changed, belongs to another source, or the key is another. */
export function unseal(key: Buffer, sourceId: string, box: Buffer): Record<string, unknown> {
  try {
    if (box[0] !== FORMAT) throw new Error('unknown format');
    const nonce = box.subarray(1, 1 + NONCE_BYTES);
    const tag = box.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
    const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.from(sourceId)).setAuthTag(tag);
    const text = Buffer.concat([
      decipher.update(box.subarray(1 + NONCE_BYTES + TAG_BYTES)),
      decipher.final(),
    ]);
    return JSON.parse(text.toString('utf8')) as Record<string, unknown>;
  } catch {
    throw new AppError('store_corrupt', {
      message: `the stored config of source ${sourceId} cannot be decrypted`,
      hint: 'put back the key file that belongs to this store, or give the source its config again: semilayer sources update',
    });
  }
}
