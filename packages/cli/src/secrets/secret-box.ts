import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Problem } from '@brimful/model';

export const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const ALGORITHM = 'aes-256-gcm';

/** A secret as it is at rest: AES-256-GCM under a key that is kept elsewhere, bound to its name. All base64. */
export interface Sealed {
  readonly nonce: string;
  readonly tag: string;
  readonly text: string;
}

export function seal(key: Buffer, name: string, value: string): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce);
  cipher.setAAD(Buffer.from(name, 'utf8'));
  const text = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
  return {
    nonce: nonce.toString('base64'),
    tag: cipher.getAuthTag().toString('base64'),
    text: text.toString('base64'),
  };
}

/** Throws `BRM-SECRET-KEY` when it was sealed under another key or name, or was changed. */
export function unseal(key: Buffer, name: string, { nonce, tag, text }: Sealed): string {
  try {
    const decipher = createDecipheriv(ALGORITHM, key, Buffer.from(nonce, 'base64'), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(name, 'utf8'));
    decipher.setAuthTag(Buffer.from(tag, 'base64'));
    return Buffer.concat([decipher.update(Buffer.from(text, 'base64')), decipher.final()]).toString('utf8');
  } catch (cause) {
    throw new Problem('BRM-SECRET-KEY', `The secret ${name} cannot be read with the key there is.`, {
      remedy: `Give the key it was kept under, or keep it anew: brimful secret set ${name}`,
      at: { secret: name },
      cause,
    });
  }
}
