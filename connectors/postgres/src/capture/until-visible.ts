import { setTimeout as sleep } from 'node:timers/promises';
import type { SessionPool } from '../wire/session-pool.ts';

/** A commit is decoded some microseconds before others see it, or as long before as a synchronous standby takes. */
const FIRST_PAUSE_MILLISECONDS = 1;
const LONGEST_PAUSE_MILLISECONDS = 100;

/**
 * Waits until every snapshot sees the transaction, which has committed. Before that the catalog is not asked about what
 * the transaction did: it would answer with how things were. (Architecture, handoff rule 2)
 */
export async function untilVisible(pool: SessionPool, transaction: bigint): Promise<void> {
  for (let pause = FIRST_PAUSE_MILLISECONDS; ; pause = Math.min(pause * 2, LONGEST_PAUSE_MILLISECONDS)) {
    const [row] = await pool.use((session) =>
      session.query(`SELECT pg_visible_in_snapshot('${transaction}'::xid8, pg_current_snapshot())`),
    );
    if (row?.[0] === 't') return;
    await sleep(pause);
  }
}
