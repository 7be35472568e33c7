import * as crypto from 'node:crypto';
import { promisify } from 'node:util';

/** OWASP's least for argon2id: hashing must not take the memory that tables are copied with. */
const ARGON2 = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 };
const SALT_BYTES = 16;

const scrypt = promisify<crypto.BinaryLike, crypto.BinaryLike, number, Buffer>(crypto.scrypt);

/** A password that can be compared with, but not read back. */
export class HashedPassword {
  readonly #salt: Buffer;
  readonly #hash: Buffer;

  private constructor(salt: Buffer, hash: Buffer) {
    this.#salt = salt;
    this.#hash = hash;
  }

  static async of(password: string): Promise<HashedPassword> {
    const salt = crypto.randomBytes(SALT_BYTES);
    return new HashedPassword(salt, await hashed(password, salt));
  }

  /** Takes as long for a wrong one as for the right one. */
  async equals(password: string): Promise<boolean> {
    return crypto.timingSafeEqual(this.#hash, await hashed(password, this.#salt));
  }
}

/** Node before 24.7 has no argon2. */
function hashed(password: string, salt: Buffer): Promise<Buffer> {
  if (typeof crypto.argon2 !== 'function') return scrypt(password, salt, ARGON2.tagLength);
  return new Promise((resolve, reject) => {
    crypto.argon2('argon2id', { message: password, nonce: salt, ...ARGON2 }, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
