import { createHash } from 'node:crypto';

/** Postgres cuts longer names silently. */
const NAME_LIMIT_BYTES = 63;
const DIGEST_DIGITS = 8;

/**
 * What a generation of a table (or its index, its sequence) is called while another one has the name: `orders
 * (generation 2)`. Long names are cut between characters and told apart by a digest of the whole name. `attempt` from 1:
 * the next ones when somebody else has that name.
 */
export function generationName(name: string, generation: number, attempt = 1): string {
  const again = attempt === 1 ? '' : `, ${attempt}`;
  const plain = `${name} (generation ${generation}${again})`;
  if (Buffer.byteLength(plain) <= NAME_LIMIT_BYTES) return plain;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, DIGEST_DIGITS);
  const ending = ` ${digest} (generation ${generation}${again})`;
  let start = '';
  let room = NAME_LIMIT_BYTES - Buffer.byteLength(ending);
  for (const character of name) {
    room -= Buffer.byteLength(character);
    if (room < 0) break;
    start += character;
  }
  return start + ending;
}
