import type { AlertKind, AlertLasts, AlertSeverity, AlertSubject } from '@brimful/model';

/** Something that is so, or happened, and that somebody should be told. Plain data; the book makes alerts of it. */
export interface Condition {
  /** See `Alert.id`. */
  readonly id: string;
  readonly kind: AlertKind;
  readonly severity: AlertSeverity;
  readonly subject: AlertSubject;
  readonly sentence: string;
  readonly remedy: string | null;
  readonly lasts: AlertLasts;
  /** Of what happened: the same event is told once, also across restarts. Null: it is so as long as it is found. */
  readonly event: string | null;
}

/** All that was found at one moment. */
export interface Findings {
  readonly conditions: readonly Condition[];
  /** Tasks about which nothing is known yet: their alerts stay as they are. */
  readonly unknown: ReadonlySet<string>;
  /** Ids of alerts that something shows to be over. */
  readonly over: ReadonlySet<string>;
}
