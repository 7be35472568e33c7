/** What a user typed, before it is checked: texts as they came from the command line or a form. Absent: not given. */
export interface RunDraft {
  /** `reset`, `incremental`, `materialization` or `repair`. */
  readonly mode: string;
  /** The capture, or for `materialization` the materialization. */
  readonly task: string;
  /** Collections. */
  readonly bindings?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  readonly author: string;
  readonly acknowledged?: readonly string[] | undefined;
  /** The column of a time range. */
  readonly time?: string | undefined;
  /** `2026-01-01`, `2026-01-01T12:30`, `2026-01-01T12:30Z`, `7d`, `24h`. Half-open: `to` is not in. */
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  /** IANA. */
  readonly zone?: string | undefined;
  /** Values of the key's first columns, separated by commas. Half-open. */
  readonly keyFrom?: string | undefined;
  readonly keyTo?: string | undefined;
  /** Whole keys; the columns of one separated by commas. */
  readonly keys?: readonly string[] | undefined;
  readonly columns?: readonly string[] | undefined;
  readonly missingRows?: string | undefined;
  /** `10%` or `0.1`. */
  readonly deleteLimit?: string | undefined;
  /** `20MB/s`, `0` to begin paused. */
  readonly rate?: string | undefined;
  readonly readers?: string | undefined;
  /** `0 22 * * * 8h Europe/Berlin`: cron, how long, zone. */
  readonly windows?: readonly string[] | undefined;
  /** `24h`, `0`. */
  readonly undo?: string | undefined;
  readonly verify?: string | undefined;
}
