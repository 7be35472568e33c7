import type { Batch } from '@brimful/model';
import type { RawSession } from '../../wire/raw-session.ts';
import { CopyEncoder } from '../copy-encoder.ts';
import type { EncodeColumn } from '../encode-column.ts';
import { FramePool } from '../frame-pool.ts';
import { CopyTextEncoder } from '../text-encoder.ts';

const COPY_IN = 0x47;
const COPY_DONE = Uint8Array.of(0x63, 0, 0, 0, 4);

/** Loads a batch with COPY, in one of the two formats. Frames are small, so that rows fall on their borders. */
export async function copyIn(
  session: RawSession,
  table: string,
  batch: Batch,
  columns: readonly EncodeColumn[],
  format: 'binary' | 'text',
  frameBytes = 4096,
): Promise<void> {
  const pool = new FramePool(frameBytes);
  const encoder = format === 'binary' ? new CopyEncoder(columns, pool) : new CopyTextEncoder(columns, pool);
  await session.run(`COPY ${table} FROM STDIN (FORMAT ${format})`, (type) => {
    if (type !== COPY_IN) return;
    const header = encoder.header();
    if (header !== undefined) session.write(header);
    for (const frame of encoder.encode(batch)) {
      // A copy, as the socket may keep it: the buffer itself goes back at once.
      session.write(frame.slice());
      pool.release(frame);
    }
    const trailer = encoder.trailer();
    if (trailer !== undefined) session.write(trailer);
    session.write(COPY_DONE);
  });
}
