import type { Client, Live, RunSummary, Verification } from '@brimful/api';
import type { Alert, RuntimeStatus } from '@brimful/model';
import { LogTail } from './log-tail.ts';

/** `connecting`: nothing was heard yet. `lost`: what is shown is as old as `heardAt`, and it is tried again. */
export type Connection = 'connecting' | 'live' | 'lost';

export interface LiveSnapshot {
  readonly connection: Connection;
  /** Milliseconds since 1970 when something was last heard. */
  readonly heardAt: number | null;
  readonly status: RuntimeStatus | null;
  readonly runs: ReadonlyMap<string, RunSummary>;
  readonly verifications: ReadonlyMap<string, Verification>;
  /** The server no longer knows who this is: a session has ended. */
  readonly isRefused: boolean;
  /** By their number; those that are over too. */
  readonly alerts: ReadonlyMap<number, Alert>;
}

/** What the server says as it happens, for as long as the page is open. One connection for all parts of the page. */
export class LiveState {
  readonly logs: LogTail;
  readonly #client: Client;
  readonly #listeners = new Set<() => void>();
  #snapshot: LiveSnapshot = {
    connection: 'connecting',
    heardAt: null,
    status: null,
    runs: new Map(),
    verifications: new Map(),
    isRefused: false,
    alerts: new Map(),
  };
  #isAnnounced = false;

  constructor(client: Client) {
    this.#client = client;
    this.logs = new LogTail(client);
  }

  readonly snapshot = (): LiveSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Ends with the function that it returns. */
  start(): () => void {
    const ending = new AbortController();
    void this.#listen(ending.signal);
    return () => ending.abort();
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const topics = ['status', 'runs', 'verifications', 'alerts', 'logs'] as const;
    for await (const live of this.#client.live(topics, signal)) this.#take(live);
  }

  #take(live: Live): void {
    if (live.event === 'log') return this.logs.take([live.data]);
    if (live.event === 'connected') this.logs.connected();
    const before = this.#snapshot;
    if (live.event === 'lost') {
      const connection = before.heardAt === null ? 'connecting' : 'lost';
      return this.#publish({ ...before, connection, isRefused: live.problem.code === 'BRM-API-SIGN-IN' });
    }
    const heard = { ...before, connection: 'live' as const, isRefused: false, heardAt: Date.now() };
    if (live.event === 'connected') return this.#publish(heard);
    if (live.event === 'status') return this.#publish({ ...heard, status: live.data });
    if (live.event === 'run')
      return this.#publish({ ...heard, runs: new Map(before.runs).set(live.data.id, live.data) });
    if (live.event === 'alert')
      return this.#publish({ ...heard, alerts: withAlert(before.alerts, live.data) });
    return this.#publish({
      ...heard,
      verifications: new Map(before.verifications).set(live.data.id, live.data),
    });
  }

  /** Many events that come at once are drawn once. */
  #publish(snapshot: LiveSnapshot): void {
    this.#snapshot = snapshot;
    if (this.#isAnnounced) return;
    this.#isAnnounced = true;
    queueMicrotask(() => {
      this.#isAnnounced = false;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** More that are over are not kept while a page is open for weeks. */
const ALERTS_LIMIT = 1000;

function withAlert(before: ReadonlyMap<number, Alert>, alert: Alert): ReadonlyMap<number, Alert> {
  const next = new Map(before).set(alert.number, alert);
  for (const { number, clearedAt } of before.values())
    if (next.size > ALERTS_LIMIT && clearedAt !== null) next.delete(number);
  return next;
}
