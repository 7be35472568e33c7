import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import type { ShopSize } from './fill.ts';
import { Random } from './random.ts';
import type { ShopState } from './transactions.ts';
import { nextTransaction } from './transactions.ts';

interface WriterStatus {
  readonly transactions: number;
  readonly perSecond: number;
  /** Deadlocks and the like, rolled back and forgotten. */
  readonly failed: number;
}

/** Customers of a shop: several connections that change it at a steady pace, until they are stopped. */
export interface LiveWriter {
  readonly status: WriterStatus;
  /** Resolves when every connection has committed its last transaction. Throws what stopped one early. Idempotent. */
  stop(): Promise<void>;
}

const CONNECTIONS = 4;
/** A writer that fell behind does not make up for more than this. */
const BURST_MILLISECONDS = 1000;
const WINDOW_MILLISECONDS = 5000;
/** Deadlock, serialization failure, unique violation: what concurrent customers may do to each other. */
const EXPECTED_FAILURES = new Set(['40P01', '40001', '23505']);

export async function startWriter(url: string, size: ShopSize, perSecond: number): Promise<LiveWriter> {
  const clients = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(url)));
  const counts = { transactions: 0, failed: 0 };
  const recent: { at: number; transactions: number }[] = [];
  const stopping = new AbortController();
  let lastId = size.orders;
  const nextId = (): number => (lastId += 1);
  const lanes = clients.map(async (client, lane) => {
    const state: ShopState = { random: new Random(4711 + lane), size, nextId };
    let due = performance.now();
    while (!stopping.signal.aborted) {
      due = Math.max(due, performance.now() - BURST_MILLISECONDS) + (1000 / perSecond) * CONNECTIONS;
      const wait = due - performance.now();
      if (wait > 1) await sleep(wait);
      if (await commit(client, nextTransaction(state))) counts.transactions += 1;
      else counts.failed += 1;
    }
  });
  const all = Promise.all(lanes);
  let stopped: Promise<void> | undefined;
  // Reported by `stop`; until then it must not end the process.
  all.catch(() => stopping.abort());
  return {
    get status() {
      const at = performance.now();
      recent.push({ at, transactions: counts.transactions });
      while (recent.length > 2 && at - (recent[0]?.at ?? at) > WINDOW_MILLISECONDS) recent.shift();
      const first = recent[0] ?? { at, transactions: 0 };
      const seconds = (at - first.at) / 1000;
      const rate = seconds > 0 ? (counts.transactions - first.transactions) / seconds : 0;
      return { ...counts, perSecond: rate };
    },
    stop() {
      stopping.abort();
      stopped ??= end(all, clients);
      return stopped;
    },
  };
}

async function end(lanes: Promise<unknown>, clients: readonly Client[]): Promise<void> {
  try {
    await lanes;
  } finally {
    await Promise.all(clients.map((client) => client.end()));
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, application_name: 'shop' });
  // The query under way rejects too, and that is where it is dealt with.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** One round trip a transaction. False when it was rolled back for a reason that happens among customers. */
async function commit(client: Client, statements: readonly string[]): Promise<boolean> {
  try {
    await client.query(`BEGIN; ${statements.join('; ')}; COMMIT`);
    return true;
  } catch (error) {
    await client.query('ROLLBACK');
    if (error instanceof Error && 'code' in error && EXPECTED_FAILURES.has(String(error.code))) return false;
    throw error;
  }
}
