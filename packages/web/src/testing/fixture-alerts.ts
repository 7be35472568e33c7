import type { AlertList, Answer } from '@brimful/api';
import type { Alert } from '@brimful/model';

const MINUTE_MILLISECONDS = 60_000;

/** Alerts as a pipe in trouble would have them; they can be acknowledged. */
export class FixtureAlerts {
  #open: Alert[];
  readonly #recent: readonly Alert[];
  #tests = 0;

  constructor(now: number) {
    this.#open = [failedTable(now), late(now), reshaped(now), ended(now)];
    this.#recent = [over(now)];
  }

  get all(): readonly Alert[] {
    return [...this.#open, ...this.#recent];
  }

  list(): AlertList {
    return {
      open: this.#open,
      recent: [...this.#recent],
      webhook: {
        origin: 'https://hooks.example.com',
        isSigned: true,
        from: 'info',
        waiting: 1,
        delivered: 11 + this.#tests,
        failed: 2,
        last: {
          at: Date.now(),
          ok: this.#tests > 0,
          error: this.#tests > 0 ? null : 'the receiver answered 503',
        },
      },
    };
  }

  acknowledge(id: string, who: string): Alert | undefined {
    const acknowledged = { who, at: Date.now() };
    this.#open = this.#open.map((alert) => (alert.id === id ? { ...alert, acknowledged } : alert));
    return this.#open.find((alert) => alert.id === id);
  }

  test(): Answer<'testAlerts'> {
    this.#tests += 1;
    return { state: 'delivered', status: 204, error: null, milliseconds: 38 };
  }
}

function alertAt(
  raisedAt: number,
  parts: Omit<Alert, 'raisedAt' | 'saidAt' | 'clearedAt' | 'acknowledged' | 'delivery'>,
): Alert {
  return {
    ...parts,
    raisedAt,
    saidAt: raisedAt,
    clearedAt: null,
    acknowledged: null,
    delivery: { event: 'raised', state: 'delivered', attempts: 1, at: raisedAt, error: null },
  };
}

function failedTable(now: number): Alert {
  return alertAt(now - 42 * MINUTE_MILLISECONDS, {
    id: 'table-failed:billing/postgres:public.legacy_notes',
    number: 14,
    kind: 'table failed',
    severity: 'critical',
    subject: { kind: 'capture', name: 'billing/postgres', table: 'public.legacy_notes' },
    sentence: 'public.legacy_notes of billing/postgres has stopped: permission denied for table legacy_notes',
    remedy: 'GRANT SELECT ON public.legacy_notes TO brimful;',
    lasts: 'while so',
  });
}

function late(now: number): Alert {
  return {
    ...alertAt(now - 4 * MINUTE_MILLISECONDS, {
      id: 'table-lag:billing/reporting',
      number: 17,
      kind: 'table lag',
      severity: 'warning',
      subject: { kind: 'materialization', name: 'billing/reporting', table: 'ledger' },
      sentence: 'ledger in billing/reporting shows what was true 6 min ago.',
      remedy: 'See whether the destination can be written to, and is as quick as it was.',
      lasts: 'while so',
    }),
    delivery: { event: 'raised', state: 'waiting', attempts: 3, at: now, error: 'the receiver answered 503' },
  };
}

function reshaped(now: number): Alert {
  return alertAt(now - 95 * MINUTE_MILLISECONDS, {
    id: 'schema-change:shop/orders:3',
    number: 12,
    kind: 'schema change',
    severity: 'info',
    subject: { kind: 'collection', name: 'shop/orders' },
    sentence: 'Version 3 of shop/orders adds channel (text).',
    remedy: null,
    lasts: 'until seen',
  });
}

function ended(now: number): Alert {
  return alertAt(now - 130 * MINUTE_MILLISECONDS, {
    id: 'run:run-000001:done',
    number: 11,
    kind: 'run finished',
    severity: 'info',
    subject: { kind: 'run', name: 'run-000001' },
    sentence:
      'run-000001 (incremental of shop/postgres: customers were missing after an import) is done: 10,367,717 rows, both sides are equal.',
    remedy: null,
    lasts: 'until seen',
  });
}

function over(now: number): Alert {
  const clearedAt = now - 180 * MINUTE_MILLISECONDS;
  return {
    ...alertAt(now - 210 * MINUTE_MILLISECONDS, {
      id: 'slot-lag:shop/postgres',
      number: 9,
      kind: 'slot lag',
      severity: 'warning',
      subject: { kind: 'capture', name: 'shop/postgres' },
      sentence: 'shop/postgres is 7 min behind its source, which keeps 3.1 GB of log for it.',
      remedy: 'Pause runs to let the stream go first.',
      lasts: 'while so',
    }),
    clearedAt,
    delivery: { event: 'cleared', state: 'delivered', attempts: 1, at: clearedAt, error: null },
  };
}
