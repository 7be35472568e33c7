/** What people are told of without having looked. Words, so that they can be shown as they are. */
export const ALERT_KINDS = [
  'slot lag',
  'table lag',
  'stalled',
  'task failed',
  'table failed',
  'schema change',
  'disk',
  'run finished',
  'verification divergent',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

/** `info`: good to know. `warning`: somebody should look today. `critical`: something stands still, or soon will. */
export const ALERT_SEVERITIES = ['info', 'warning', 'critical'] as const;
export type AlertSeverity = (typeof ALERT_SEVERITIES)[number];

/** What an alert is about: where somebody who was told looks next. */
export interface AlertSubject {
  readonly kind: 'capture' | 'collection' | 'materialization' | 'run' | 'disk';
  /** As in the configuration; a run's id; of the disk the data directory's own word, `data`. */
  readonly name: string;
  /** Of one table: as it is called at the source or destination. */
  readonly table?: string | undefined;
}

/** What became of telling it to the webhook: of the newest message about the alert. */
export interface AlertDelivery {
  readonly event: 'raised' | 'cleared';
  /** `left out`: so many waited that there was no room for it. */
  readonly state: 'waiting' | 'delivered' | 'failed' | 'left out';
  readonly attempts: number;
  readonly at: number;
  /** Why the last attempt failed; never the webhook's address. (Invariant 10) */
  readonly error: string | null;
}

/**
 * When an alert is cleared. `while so`: when it is so no longer. `until over`: only when something shows that it is over,
 * such as a comparison that finds both sides equal. `until seen`: it tells what happened, and is cleared when
 * somebody acknowledges it, or after a day.
 */
export const ALERT_LASTS = ['while so', 'until over', 'until seen'] as const;
export type AlertLasts = (typeof ALERT_LASTS)[number];

/** One thing that somebody should know, from when it was so until it was over. Times are milliseconds since 1970. */
export interface Alert {
  /** The same whenever the same thing happens to the same subject: `slot-lag:shop/postgres`. */
  readonly id: string;
  /** Counts up: one for every time that an alert is raised. */
  readonly number: number;
  readonly kind: AlertKind;
  readonly severity: AlertSeverity;
  readonly subject: AlertSubject;
  /** With the values as they were at `saidAt`. */
  readonly sentence: string;
  readonly remedy: string | null;
  readonly lasts: AlertLasts;
  readonly raisedAt: number;
  readonly saidAt: number;
  readonly clearedAt: number | null;
  readonly acknowledged: { readonly who: string; readonly at: number } | null;
  /** Null: there is no webhook, or it is not told of this. */
  readonly delivery: AlertDelivery | null;
}

/** From when on something is told. */
export interface AlertLimits {
  /** A stream, or a table at a destination, that is older than this. */
  readonly lagMilliseconds: number;
  /** Log that a source keeps for us beyond this. */
  readonly retainedLogBytes: number;
  /** A task without any progress although there is work, or without a connection, for so long. */
  readonly stalledMilliseconds: number;
  /** Free on the data directory's disk, before captures pause. */
  readonly diskFreeBytes: number;
}

export const DEFAULT_ALERT_LIMITS: Omit<AlertLimits, 'diskFreeBytes'> = {
  lagMilliseconds: 5 * 60_000,
  retainedLogBytes: 8 * 1024 ** 3,
  stalledMilliseconds: 10 * 60_000,
};

/** Early enough to make room before captures pause: by default at so many times what they pause below. */
export const DISK_ALERT_FACTOR = 2;

/** The key under which the newest alerts stand in the store's registry, as `AlertRecord`. */
export const ALERTS_KEY = 'alerts';

/** What `brimful status` reads: open alerts, the worst first. */
export interface AlertRecord {
  readonly open: readonly Alert[];
}

const RANKS: Readonly<Record<AlertSeverity, number>> = { critical: 0, warning: 1, info: 2 };

/** The worst first, then the newest. */
export function byUrgency(left: Alert, right: Alert): number {
  return RANKS[left.severity] - RANKS[right.severity] || right.raisedAt - left.raisedAt;
}

/** Whether somebody should still look: what a badge counts. */
export function asksForSomebody(alert: Alert): boolean {
  return alert.clearedAt === null && alert.acknowledged === null && alert.severity !== 'info';
}

/** The page where somebody who was told looks next. */
export function alertPath({ kind, name }: AlertSubject): string {
  switch (kind) {
    case 'capture':
      return `/sources/${encodeURIComponent(name)}`;
    case 'collection':
      return `/collections/${encodeURIComponent(name)}`;
    case 'materialization':
      return `/destinations/${encodeURIComponent(name)}`;
    case 'run':
      return `/runs/${encodeURIComponent(name)}`;
    case 'disk':
      return '/settings';
  }
}
