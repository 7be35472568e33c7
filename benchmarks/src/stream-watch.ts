import type { PipeProcess } from '@brimful/acceptance';
import { Client } from 'pg';

/** How current a pipe's stream stayed, as seen from the source. */
export interface Currency {
  /** Longest time until something committed was journaled. */
  readonly lagMilliseconds: number;
  /** Most log that the source kept for the slot. */
  readonly retainedBytes: number;
}

const LOOK_MILLISECONDS = 200;

/** Looks at the end of the source's log again and again, and when the pipe has passed it. */
export class StreamWatch {
  readonly #stop = new AbortController();
  readonly #work: Promise<Currency>;

  constructor(source: string, pipe: PipeProcess) {
    this.#work = watch(source, pipe, this.#stop.signal);
    this.#work.catch(() => undefined);
  }

  stop(): Promise<Currency> {
    this.#stop.abort();
    return this.#work;
  }
}

async function watch(source: string, pipe: PipeProcess, signal: AbortSignal): Promise<Currency> {
  // Named as ours are, so that it does not pass for somebody at work.
  const client = new Client({ connectionString: source, application_name: 'brimful benchmark' });
  await client.connect();
  const open: { readonly end: bigint; readonly at: number }[] = [];
  let lagMilliseconds = 0;
  let retainedBytes = 0;
  try {
    while (!signal.aborted) {
      const { rows } = await client.query<{ end: string; retained: string | null }>(
        `SELECT (pg_current_wal_flush_lsn() - '0/0')::text AS end,
          (SELECT max(pg_current_wal_flush_lsn() - restart_lsn) FROM pg_replication_slots)::text AS retained`,
      );
      open.push({ end: BigInt(rows[0]?.end ?? 0), at: Date.now() });
      retainedBytes = Math.max(retainedBytes, Number(rows[0]?.retained ?? 0));
      const report = pipe.last?.status;
      const position = BigInt(report?.captures[0]?.position ?? 0) + 1n;
      while (open[0] !== undefined && open[0].end <= position) {
        lagMilliseconds = Math.max(lagMilliseconds, Math.max(0, (report?.at ?? 0) - open[0].at));
        open.shift();
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
    }
    if (open[0] !== undefined) lagMilliseconds = Math.max(lagMilliseconds, Date.now() - open[0].at);
    return { lagMilliseconds, retainedBytes };
  } finally {
    await client.end();
  }
}
