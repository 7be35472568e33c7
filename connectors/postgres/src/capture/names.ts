import { createHash } from 'node:crypto';
import type { CaptureConfig } from '../config.ts';

/** What a capture calls its things at the source. */
export interface SourceNames {
  readonly slot: string;
  /** Tables whose every change can be followed. */
  readonly changes: string;
  /** Tables without an identity: inserts and truncates. */
  readonly inserts: string;
}

/** Postgres cuts names at 63 bytes; the suffix and the hash must fit too. */
const READABLE_LENGTH = 45;

/** Different captures get different names. */
export function sourceNames(capture: string, config: CaptureConfig): SourceNames {
  const base = `brimful_${sanitise(capture)}`;
  const changes = config.publication ?? base;
  return { slot: config.slot ?? base, changes, inserts: `${changes}_inserts` };
}

/** `shop/postgres` → `shop_postgres`. What does not survive that unharmed gets a hash, so that names stay distinct. */
function sanitise(capture: string): string {
  const readable = capture
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .slice(0, READABLE_LENGTH);
  if (/^[a-z0-9]+(\/[a-z0-9]+)*$/.test(capture) && capture.length <= READABLE_LENGTH) return readable;
  return `${readable}_${createHash('sha256').update(capture).digest('hex').slice(0, 8)}`;
}
