import type { SourceHealth } from '@brimful/connector';
import { assert, toProblem } from '@brimful/model';
import { parentPort, workerData } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { RawSession } from '../wire/raw-session.ts';
import type { ProbeMessage, ProbeOrder } from './probe.ts';
import { readHealth } from './source-health.ts';

/**
 * The thread that feels the source's pulse. Its event loop does nothing else, so what it measures is the source and the
 * way there, not our own decoding.
 */
const LOOK_UP_MILLISECONDS = 100;
const HEALTH_MILLISECONDS = 1_000;
/** A look-up takes a tenth of a millisecond; one that takes this long has failed. */
const PATIENCE_MILLISECONDS = 2_000;
const FIRST_PAUSE_MILLISECONDS = 200;
const LONGEST_PAUSE_MILLISECONDS = 5_000;

/** One row through one index, as an application's requests are made of. 1259 is pg_class itself. */
const PREPARE = 'PREPARE brimful_probe(oid) AS SELECT relname FROM pg_catalog.pg_class WHERE oid = $1';
const LOOK_UP = 'EXECUTE brimful_probe(1259)';

assert(parentPort !== null, 'the probe runs in a thread of its own');
const port = parentPort;
const { endpoint, purpose, slot } = workerData as ProbeOrder;
const stop = new AbortController();
let session: RawSession | undefined;

port.once('message', () => {
  stop.abort();
  session?.close();
  port.close();
});

await run();

async function run(): Promise<void> {
  let pause = FIRST_PAUSE_MILLISECONDS;
  while (!stop.signal.aborted) {
    try {
      session = await RawSession.connect(endpoint, { purpose, settings: settings() });
      if (stop.signal.aborted) break;
      await session.query(PREPARE);
      pause = FIRST_PAUSE_MILLISECONDS;
      tell({ failure: null });
      await measure(session);
    } catch (thrown) {
      session?.destroy();
      if (stop.signal.aborted) return;
      tell({ reading: { at: Date.now(), lookUpMilliseconds: null, health: null } });
      tell({ failure: toProblem(thrown).message });
      await rest(pause);
      pause = Math.min(LONGEST_PAUSE_MILLISECONDS, pause * 2);
    }
  }
  session?.close();
}

function settings(): Record<string, string> {
  return {
    default_transaction_read_only: 'on',
    statement_timeout: `${PATIENCE_MILLISECONDS}`,
    lock_timeout: `${PATIENCE_MILLISECONDS / 2}`,
  };
}

/** Until the connection is lost or the probe closed. */
async function measure(open: RawSession): Promise<void> {
  let healthAt = Number.NEGATIVE_INFINITY;
  while (!stop.signal.aborted) {
    const started = performance.now();
    const lookUpMilliseconds = await lookUp(open);
    const at = Date.now();
    let health: SourceHealth | null = null;
    if (started - healthAt >= HEALTH_MILLISECONDS) {
      healthAt = started;
      health = await within(open, () => readHealth(open, slot));
    }
    tell({ reading: { at, lookUpMilliseconds, health } });
    await rest(Math.max(0, LOOK_UP_MILLISECONDS - (performance.now() - started)));
  }
}

async function lookUp(open: RawSession): Promise<number | null> {
  const started = performance.now();
  const rows = await within(open, () => open.query(LOOK_UP));
  return rows === null ? null : performance.now() - started;
}

/** Null when the server says no. A server that says nothing has lost us: the session ends, and with it `measure`. */
async function within<T>(open: RawSession, work: () => Promise<T>): Promise<T | null> {
  const clock = setTimeout(() => open.destroy(), 2 * PATIENCE_MILLISECONDS);
  try {
    return await work();
  } catch (thrown) {
    if (open.closed) throw thrown;
    return null;
  } finally {
    clearTimeout(clock);
  }
}

async function rest(milliseconds: number): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal: stop.signal });
  } catch (thrown) {
    // Closed meanwhile: the loops look.
    if (!stop.signal.aborted) throw thrown;
  }
}

function tell(message: ProbeMessage): void {
  if (!stop.signal.aborted) port.postMessage(message);
}
