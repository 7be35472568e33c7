import type { Position } from '@brimful/connector';
import type { Logger } from '@brimful/connector';
import { Problem } from '@brimful/model';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn } from '../wire/pgoutput-frames.ts';
import type { SessionPool } from '../wire/session-pool.ts';
import { problemOf, ServerError } from '../wire/server-error.ts';
import type { RawSession } from '../wire/raw-session.ts';
import type { Blocker } from './blockers.ts';
import { describeBlockers, describeLockHolders, findBlockers } from './blockers.ts';
import type { Publications, PublicationChange, PublicationKind } from './publications.ts';
import type { Table } from './table.ts';
import { PostgresSnapshot } from './snapshot.ts';
import { XidWidener } from './widen.ts';

export interface JoinerOptions {
  readonly pool: SessionPool;
  readonly publications: Publications;
  readonly log: Logger;
  readonly now: () => number;
  /** After which a wait is reported. */
  readonly patienceMilliseconds: number;
}

/** A moment in the source: all that commits from `position` on is published; whoever wrote before has a lower xid. */
export interface Joint {
  readonly position: Position;
  readonly xmax: bigint;
}

const LOCK_ATTEMPTS = 10;
const PAUSE_MILLISECONDS = 100;
const LONGEST_PAUSE_MILLISECONDS = 2_000;

/** Puts tables into the publications, and waits until what ran meanwhile has ended. */
export class Joiner {
  readonly #options: JoinerOptions;
  readonly #closed = new AbortController();

  constructor(options: JoinerOptions) {
    this.#options = options;
  }

  close(): void {
    this.#closed.abort();
  }

  /** All tables in one ALTER each, so that a thousand are as quick as one. `published`: where tables are now. */
  async publish(
    tables: readonly Table[],
    published: ReadonlyMap<number, readonly PublicationKind[]>,
  ): Promise<Joint> {
    const moves = tables.map((table) => ({ table, now: published.get(table.oid) ?? [] }));
    const changes = (['changes', 'inserts'] as const).map((kind): PublicationChange => {
      const wants = moves.filter(({ table }) => table.identity.publication === kind);
      const others = moves.filter(({ table }) => table.identity.publication !== kind);
      return {
        kind,
        add: wants.filter(({ now }) => !now.includes(kind)).map(({ table }) => table),
        drop: others.filter(({ now }) => now.includes(kind)).map(({ table }) => table),
      };
    });
    await this.change(
      changes,
      tables.map((table) => table.oid),
    );
    return this.joint();
  }

  /**
   * This moment. Takes a transaction id of its own, because a snapshot's xmax is only one past the last that ended: the
   * newest transactions that run are not below it.
   */
  async joint(): Promise<Joint> {
    return this.#options.pool.use(async (session) => {
      const [row] = await session.query('SELECT pg_current_wal_insert_lsn(), pg_current_xact_id()');
      const [position, xid] = row as [string, string];
      return { position: parseLsn(position), xmax: BigInt(xid) };
    });
  }

  /** Changes the publications; the lock that needs conflicts with VACUUM and DDL only, and is tried for shortly. */
  async change(changes: readonly PublicationChange[], oids: readonly number[]): Promise<void> {
    const { pool, publications } = this.#options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await pool.use((session) => publications.change(session, changes));
        return;
      } catch (error) {
        if (!(error instanceof ServerError) || error.code !== '55P03') {
          throw problemOf(error, 'Cannot change the publications');
        }
        if (attempt >= LOCK_ATTEMPTS) throw await this.#lockedProblem(oids, error);
      }
    }
  }

  /**
   * Waits until every transaction that ran at the joint has ended, prepared ones too, so that every later snapshot sees
   * all of its changes or none. Only those of this database matter. Ends at once when the session is closed.
   * (Architecture, handoff rule 8)
   */
  async settle(joint: Joint): Promise<void> {
    const { pool, log, now } = this.#options;
    const started = now();
    let told = false;
    for (let pause = PAUSE_MILLISECONDS; !this.#closed.signal.aborted; pause *= 1.5) {
      const { running, blockers } = await pool.use((session) => stillRunning(session, joint));
      if (running === 0) return;
      if (!told && blockers.length > 0 && now() - started > this.#options.patienceMilliseconds) {
        told = true;
        log.warn(
          { code: 'BRM-PG-JOIN-BLOCKED', blockers },
          `Reading waits for older transactions to end: ${describeBlockers(blockers)}. To end one: SELECT pg_terminate_backend(<pid>), or ROLLBACK PREPARED.`,
        );
      }
      await this.#pause(Math.min(pause, LONGEST_PAUSE_MILLISECONDS));
    }
    throw new Problem('BRM-PG-CONNECTION', 'The capture session was closed.', { kind: 'retry' });
  }

  async #pause(milliseconds: number): Promise<void> {
    try {
      await sleep(milliseconds, undefined, { signal: this.#closed.signal });
    } catch (thrown) {
      // Closed meanwhile: the caller looks.
      if (!this.#closed.signal.aborted) throw thrown;
    }
  }

  async #lockedProblem(oids: readonly number[], cause: unknown): Promise<Problem> {
    const holders = await this.#options.pool.use((session) => describeLockHolders(session, oids));
    return new Problem('BRM-PG-LOCKED', `Tables cannot be published while they are locked by ${holders}.`, {
      kind: 'retry',
      remedy: 'Let the statement that holds the lock (VACUUM, ALTER TABLE, CREATE INDEX) end.',
      cause,
    });
  }
}

/**
 * What ran at the joint and has not ended. The snapshot decides, since it is what later snapshots are compared with; who
 * holds which transaction tells only which of them are other databases', and whom to name.
 */
async function stillRunning(
  session: RawSession,
  joint: Joint,
): Promise<{ readonly running: number; readonly blockers: readonly Blocker[] }> {
  const [row] = await session.query('SELECT pg_current_snapshot()');
  const running = new Set(new PostgresSnapshot(row?.[0] as string).running.filter((xid) => xid < joint.xmax));
  if (running.size === 0) return { running: 0, blockers: [] };
  const xids = new XidWidener(joint.xmax);
  const holders = (await findBlockers(session)).filter(({ xid }) => running.has(xids.widen(xid)));
  const elsewhere = holders.filter((holder) => !holder.here);
  return { running: running.size - elsewhere.length, blockers: holders.filter((holder) => holder.here) };
}
