import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@brimful/model';
import { KEY_BYTES } from './secret-box.ts';

export const KEY_VARIABLE = 'BRIMFUL_SECRET_KEY';
const KEY_FILE = 'secret.key';
const OTHERS = 0o077;

/**
 * The key for secrets at rest: from `BRIMFUL_SECRET_KEY` (32 bytes in base64), or from `secret.key` in the data directory,
 * which only its owner may read. `make`: writes that file where there is neither. Undefined: there is none.
 */
export function secretKey(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
  make: boolean,
): Buffer | undefined {
  const given = environment[KEY_VARIABLE];
  if (given !== undefined && given !== '') return keyFrom(given, `The variable ${KEY_VARIABLE}`);
  const file = join(directory, KEY_FILE);
  if (existsSync(file)) {
    if ((statSync(file).mode & OTHERS) !== 0) {
      throw new Problem('BRM-SECRET-KEY', `Others may read ${file}.`, {
        remedy: `chmod 600 ${file}`,
        at: { file },
      });
    }
    return keyFrom(readFileSync(file, 'utf8'), file);
  }
  if (!make) return undefined;
  const key = randomBytes(KEY_BYTES);
  writeFileSync(file, `${key.toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  return key;
}

function keyFrom(text: string, where: string): Buffer {
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length === KEY_BYTES) return key;
  throw new Problem('BRM-SECRET-KEY', `${where} is no key: it must be ${KEY_BYTES} bytes in base64.`, {
    remedy: 'Make one: openssl rand -base64 32',
  });
}
