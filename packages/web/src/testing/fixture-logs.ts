import type { LogEntry } from '@brimful/api';

type Said = readonly [LogEntry['level'], string, Readonly<Record<string, unknown>>];

const SAID: readonly Said[] = [
  ['info', 'replication slot is ready', { capture: 'shop/postgres', slot: 'brimful_shop', at: '5/C74A1F10' }],
  ['info', 'streaming changes', { capture: 'shop/postgres', slot: 'brimful_shop', from: '5/C74A1F10' }],
  ['info', 'streaming changes', { capture: 'billing/postgres', slot: 'brimful_billing', from: '2/0D11A3C0' }],
  [
    'error',
    'permission denied for table legacy_notes',
    {
      capture: 'billing/postgres',
      resource: 'public.legacy_notes',
      problem: { code: 'BRM-PG-DENIED', remedy: 'GRANT SELECT ON public.legacy_notes TO brimful;' },
    },
  ],
  [
    'warn',
    'reading the source stops',
    {
      capture: 'billing/postgres',
      gate: 'active sessions',
      owner: 'source',
      reason: '17 sessions are at work at the source, limit 16',
    },
  ],
  ['info', 'no reason to stop any more', { capture: 'billing/postgres', gate: 'active sessions' }],
  ['info', 'the table has a new shape', { capture: 'shop/postgres', collection: 'shop/orders', version: 3 }],
  [
    'warn',
    'ledger in billing/reporting shows what was true 6 min ago.',
    { alert: 'table-lag:billing/reporting', severity: 'warning', materialization: 'billing/reporting' },
  ],
];

const EVERY_MILLISECONDS = 7000;

/** Lines as they would have been said; one more each time it is asked. */
export class FixtureLogs {
  readonly #entries: LogEntry[];

  constructor(now: number) {
    this.#entries = SAID.map(([level, message, fields], index) => ({
      sequence: index + 1,
      at: now - (SAID.length - index) * EVERY_MILLISECONDS,
      level,
      message,
      fields: { ...fields },
    }));
  }

  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  say(level: LogEntry['level'], message: string, fields: Readonly<Record<string, unknown>>): LogEntry {
    const entry = {
      sequence: this.#entries.length + 1,
      at: Date.now(),
      level,
      message,
      fields: { ...fields },
    };
    this.#entries.push(entry);
    return entry;
  }
}
