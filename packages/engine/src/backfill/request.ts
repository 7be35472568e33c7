import type { RunMode, RunRequest, Schema, Scope } from '@brimful/model';
import { Problem, WHOLE_TABLE } from '@brimful/model';
import { keyScope, keysScope } from './key-bound.ts';
import { countOf, durationOf, partOf, rateOf } from './quantity.ts';
import { timeScope } from './time-bound.ts';
import { windowOf } from './window.ts';

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

/** A collection that the request is about, and its columns. */
export interface RequestedTable {
  readonly collection: string;
  readonly schema: Schema;
}

/** Undo is possible for a day unless the request says otherwise. */
export const DEFAULT_UNDO = '24h';
/** Deleting more than a tenth of a table is more often a mistake than a wish. */
const DEFAULT_DELETE_LIMIT = 0.1;
/** Longer than that, two generations of everything are kept current for nothing. */
const LONGEST_UNDO_MILLISECONDS = 30 * 24 * 3_600_000;

/**
 * The request that a draft stands for, with all defaults. `tables`: those it is about, in the task's order; bounds are
 * read by their columns' types. Throws `BRM-REQUEST-…` with what would be right.
 */
export function parseRequest(draft: RunDraft, tables: readonly RequestedTable[], now: number): RunRequest {
  const mode = modeOf(draft.mode);
  const reason = (draft.reason ?? '').trim();
  if (reason === '') {
    throw new Problem('BRM-REQUEST-REASON', 'A run needs a reason: it stands in its history for good.', {
      remedy: 'Say why in a few words: --reason "price was imported wrongly in March".',
    });
  }
  const scope = scopeOf(draft, tables, now);
  const inPlace = mode === 'incremental' || mode === 'repair';
  if (scope.kind !== 'all' && !inPlace) throw onlyIncremental(mode, 'some rows');
  if (draft.columns !== undefined && !inPlace) throw onlyIncremental(mode, 'some columns');
  const undoMilliseconds = durationOf(draft.undo ?? DEFAULT_UNDO, '--undo');
  if (undoMilliseconds > LONGEST_UNDO_MILLISECONDS) {
    throw new Problem('BRM-REQUEST-QUANTITY', `--undo ${draft.undo} is longer than 30 days.`, {
      remedy: 'Until it ends, both generations are kept current. Choose a shorter window.',
    });
  }
  return {
    mode,
    task: draft.task,
    bindings: draft.bindings === undefined || draft.bindings.length === 0 ? null : draft.bindings,
    scope,
    columns: columnsOf(draft, tables),
    reason,
    author: draft.author,
    acknowledged: draft.acknowledged ?? [],
    missingRows: oneOf(draft.missingRows, ['remove', 'keep'], '--missing-rows'),
    deleteLimit:
      draft.deleteLimit === undefined ? DEFAULT_DELETE_LIMIT : partOf(draft.deleteLimit, '--delete-limit'),
    throttle: {
      bytesPerSecond: draft.rate === undefined ? null : rateOf(draft.rate, '--rate'),
      readers: draft.readers === undefined ? null : countOf(draft.readers, '--readers'),
    },
    windows: (draft.windows ?? []).map(windowOf),
    undoMilliseconds: inPlace ? 0 : undoMilliseconds,
    verify: oneOf(draft.verify, ['full', 'counts'], '--verify'),
  };
}

/** Throws `BRM-REQUEST-MODE`, saying which mode is for what. */
export function modeOf(text: string): RunMode {
  if (text === 'reset' || text === 'incremental' || text === 'materialization' || text === 'repair')
    return text;
  throw new Problem('BRM-REQUEST-MODE', `${JSON.stringify(text)} is no mode of a run.`, {
    remedy:
      'reset: read everything anew beside the live tables and swap. incremental: read some or all rows again and merge them in. materialization: rebuild tables from the collection.',
  });
}

function onlyIncremental(mode: RunMode, what: string): Problem {
  return new Problem('BRM-REQUEST-SCOPE', `A ${mode} run is about whole tables, not ${what}.`, {
    remedy: 'Use --mode incremental for a part, or leave the bounds out.',
  });
}

function scopeOf(draft: RunDraft, tables: readonly RequestedTable[], now: number): Scope {
  const byTime = draft.time !== undefined || draft.from !== undefined || draft.to !== undefined;
  const byKey = draft.keyFrom !== undefined || draft.keyTo !== undefined;
  const byKeys = draft.keys !== undefined;
  if ([byTime, byKey, byKeys].filter(Boolean).length > 1) {
    throw new Problem(
      'BRM-REQUEST-SCOPE',
      'Rows are bounded by time, by key, or named one by one: choose one.',
      {
        remedy: 'Plan a run for each, or take the wider bound.',
      },
    );
  }
  if (byTime) return timeScopeOf(draft, tables, now);
  if (!byKey && !byKeys) return WHOLE_TABLE;
  const [only, ...others] = tables;
  if (only === undefined || others.length > 0) {
    throw new Problem('BRM-REQUEST-SCOPE', `Keys belong to one table, and this is about ${tables.length}.`, {
      remedy: `Name it: --binding ${only?.collection ?? 'shop/orders'}.`,
    });
  }
  return byKey ? keyScope(only.schema, draft.keyFrom, draft.keyTo) : keysScope(only.schema, draft.keys ?? []);
}

/** One range for all tables: it must mean the same in each. */
function timeScopeOf(draft: RunDraft, tables: readonly RequestedTable[], now: number): Scope {
  const { time } = draft;
  if (time === undefined) {
    throw new Problem('BRM-REQUEST-TIME', 'Of which column are --from and --to?', {
      remedy: `Say it with --time. Columns with times: ${timeColumns(tables)}.`,
    });
  }
  const scopes = tables.map(({ collection, schema }) => {
    const column = schema.columns.find(({ name }) => name === time);
    if (column !== undefined)
      return timeScope(column, { from: draft.from, to: draft.to, zone: draft.zone }, now);
    throw new Problem('BRM-REQUEST-TIME', `${collection} has no column ${time}.`, {
      remedy: `Columns with times: ${timeColumns(tables)}.`,
      at: { collection, column: time },
    });
  });
  const [first, ...others] = scopes;
  if (first === undefined) return WHOLE_TABLE;
  if (others.every((other) => other.from === first.from && other.to === first.to)) return first;
  throw new Problem('BRM-REQUEST-TIME', `${time} is not of the same type in all tables.`, {
    remedy: 'Plan a run for each with --binding.',
    at: { column: time },
  });
}

function timeColumns(tables: readonly RequestedTable[]): string {
  const names = tables.flatMap(({ schema }) =>
    schema.columns
      .filter(({ type }) => type.kind === 'timestamp' || type.kind === 'date')
      .map(({ name }) => name),
  );
  return names.length === 0 ? 'there are none' : [...new Set(names)].join(', ');
}

function columnsOf(draft: RunDraft, tables: readonly RequestedTable[]): readonly string[] | null {
  const { columns } = draft;
  if (columns === undefined) return null;
  for (const { collection, schema } of tables) {
    const unknown = columns.filter((name) => !schema.columns.some((column) => column.name === name));
    if (columns.length > 0 && unknown.length === 0) continue;
    throw new Problem(
      'BRM-REQUEST-COLUMNS',
      columns.length === 0 ? 'No column is given.' : `${collection} has no column ${unknown.join(', ')}.`,
      { remedy: `It has: ${schema.columns.map(({ name }) => name).join(', ')}.`, at: { collection } },
    );
  }
  return [...new Set(columns)];
}

/** The first choice is what it is without a word. */
function oneOf<T extends string>(text: string | undefined, choices: readonly [T, ...T[]], what: string): T {
  const chosen = text === undefined ? choices[0] : choices.find((choice) => choice === text);
  if (chosen !== undefined) return chosen;
  throw new Problem('BRM-REQUEST-QUANTITY', `${what}: ${JSON.stringify(text)} is not possible.`, {
    remedy: `One of: ${choices.join(', ')}.`,
  });
}
