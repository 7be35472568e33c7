import type { Batch, Column, Guard, Json, Schema, TablePlan } from '@brimful/model';
import type { ConnectorContext, Finding } from './context.ts';
import type { Extreme } from './survey.ts';

/** One collection generation that becomes one destination table. */
export interface TableRequest {
  /** Unique within the destination database: materialization, table and generation. */
  readonly id: { readonly materialization: string; readonly table: string; readonly generation: number };
  /** What feeds it, for people who look at the table's comment. */
  readonly collection: string;
  readonly schema: Schema;
  /** `soft`: deleted rows stay, with `_brimful_deleted_at` set. */
  readonly deletes: 'hard' | 'soft';
  /** Use a table that exists and was not made by Brimful, if its columns fit. Otherwise it is refused. */
  readonly adopt: boolean;
}

/** What to do to one table, in order. */
export type Action =
  /** The table takes this shape: added columns, renames (by `sourceId`), widened types. Never drops a column. */
  | { readonly kind: 'evolve'; readonly schema: Schema }
  /** Appends scanned rows without looking for duplicates. Only before `index`. */
  | { readonly kind: 'load'; readonly batch: Batch }
  /** Notes keys (columns in key order) that changed while the table was loaded, for `index`. Only before `index`. */
  | { readonly kind: 'touch'; readonly keys: readonly Column[]; readonly rows: number }
  /** Ends the load: of rows with a touched key all copies but one go, then the key is built. */
  | { readonly kind: 'index' }
  /** All history has been replayed: the table is complete. Constraints that hold only now (NOT NULL) are set. */
  | { readonly kind: 'settle' }
  | { readonly kind: 'truncate' }
  | { readonly kind: 'merge'; readonly steps: readonly MergeStep[] };

/** Folded changes. Within one merge, a key appears in one step only, except that a `move` separates what is before and after. */
export type MergeStep =
  /**
   * One row per key, all with the same columns known. `unknown`: indices of `batch.schema.columns` that keep their
   * present value (null in a new row). `mostlySame`: rows that were read again; those that are there already as given must
   * not be written.
   */
  | {
      readonly kind: 'upsert';
      readonly batch: Batch;
      readonly unknown: readonly number[];
      readonly mostlySame?: boolean;
    }
  /** Keys (columns in key order) that must not be there afterwards. */
  | {
      readonly kind: 'delete';
      readonly schema: Schema;
      readonly keys: readonly Column[];
      readonly rows: number;
      readonly committedAt: bigint;
    }
  /**
   * One row whose key changes from `oldKey`: unknown columns take the old row's value, or where there is no old row,
   * keep the new key's row's. Afterwards the old key is gone.
   */
  | {
      readonly kind: 'move';
      readonly oldKey: readonly Column[];
      readonly batch: Batch;
      readonly unknown: readonly number[];
    }
  /** Collections without a key: rows to add, and rows of which one equal copy each must go. */
  | { readonly kind: 'append'; readonly batch: Batch }
  | { readonly kind: 'remove'; readonly batch: Batch };

/** What one transaction does to one table. The checkpoint moves in the same transaction. (Invariant 2) */
export interface Work {
  readonly table: TableHandle;
  readonly actions: readonly Action[];
  readonly checkpoint: Json;
}

/** A table that this writer owns. Opaque to the engine but for these. */
export interface TableHandle {
  readonly request: TableRequest;
  /** As of the moment it was opened; undefined when the table is new. */
  readonly checkpoint: Json | undefined;
  /** Whether this generation has the table's name, or is kept beside it. Changes with a swap. */
  readonly place: 'live' | 'beside';
}

/** Two generations of one table, both opened by this writer. */
export interface TablePair {
  /** Has the table's name before the swap. */
  readonly live: TableHandle;
  /** Has it afterwards. */
  readonly next: TableHandle;
}

/** Rows of a table as one snapshot shows them. */
export interface TableRows extends AsyncDisposable {
  /** The table's checkpoint in that very snapshot. */
  readonly checkpoint: Json | undefined;
  /** Columns as in `schema`, in its order and types. Iterate once, to the end. Rows that are softly deleted are left out. */
  readonly batches: AsyncIterable<Batch>;
}

/** What a run is about to bring: the source's present shape, and values that not every destination can hold. */
export interface Arrival {
  readonly schema: Schema;
  readonly extremes: readonly Extreme[];
}

/** Why a table cannot take what a run brings. `column`: its name at the source; null: it concerns all of them. */
export interface Misfit {
  /** `shape`: the table as it is cannot become one that takes it. `value`: no table of this destination can hold it. */
  readonly kind: 'shape' | 'value';
  readonly column: string | null;
  readonly why: string;
}

/** What a destination says about a table for a plan. */
export interface TableSurvey {
  readonly rows: number | null;
  readonly bytes: number | null;
  readonly dependents: TablePlan['dependents'];
  /** The columns as they really are, whoever changed them last; types as the destination spells them. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** What of the arrival that was asked about it cannot take. Empty also when nothing was asked. (Invariant 6) */
  readonly misfits: readonly Misfit[];
  /** Dependents that a swap cannot carry, missing rights, no room. */
  readonly guards: readonly Guard[];
}

export interface Destination extends AsyncDisposable {
  /** How many `apply` calls may run at once, for disjoint tables. */
  readonly lanes: number;
  /** How long the engine should gather changes before a merge, in milliseconds. 0: at once. */
  readonly gatherMilliseconds: number;
  /**
   * Takes the table over: first updates its fence row (which waits out a dead writer's commit), then reads the checkpoint.
   * From then on earlier writers are refused. (Invariant 3) Creates the table when it is new. Tables are independent: one
   * that is refused does not stop the others.
   */
  open(request: TableRequest): Promise<TableHandle>;
  /**
   * Does all the work in one transaction, checking each table's fence. All or nothing. A problem that one table's data
   * caused carries `at.table` (and row key and column where known); the engine then isolates that table. Lost
   * connections and restarts are `retry` problems after which the outcome is unknown: open the tables again.
   */
  apply(works: readonly Work[], signal: AbortSignal): Promise<void>;
  /** Called when nothing is to be done for now: a destination that holds a file may let go of it. */
  idle(): Promise<void>;
  /** Why nothing can be written at the moment though all is well with us ("waiting: file in use by pid 42"). */
  readonly waiting?: string | undefined;
  /**
   * Exchanges the names of both generations of every pair, with all that readers rely on (indexes, grants, comments,
   * identity columns, dependent views), in one transaction, behind the fence of all of them. (Invariants 3, 7) Readers see
   * the one or the other, never neither; writers of both must be at rest. Waits for readers only in short tries. All or
   * nothing; after a lost connection the outcome is unknown: open the tables again and look at `place`. Pairs that are
   * swapped already are left as they are. Undoing a swap is another one the other way round.
   */
  swap(
    pairs: readonly TablePair[],
    signal: AbortSignal,
  ): Promise<{ readonly attempts: number; readonly longestWaitMilliseconds: number }>;
  /** Reads a whole table in one snapshot, beside readers and writers. For comparisons. */
  read(table: TableHandle, schema: Schema, signal: AbortSignal): Promise<TableRows>;
  /** Looks at the table that has the name now, and whether it can take an arrival. Changes nothing; undefined when there is none. */
  survey(table: string, materialization: string, arrival?: Arrival): Promise<TableSurvey | undefined>;
  /** Removes a table and all notes about it. Only tables Brimful made. */
  drop(id: TableRequest['id']): Promise<void>;
}

export interface DestinationConnector<Config> {
  check(config: Config, context: ConnectorContext): Promise<readonly Finding[]>;
  open(config: Config, context: ConnectorContext): Promise<Destination>;
  /** Runs a user's read-only SQL where the tables are. Values come as text; null is null. */
  query(config: Config, sql: string, context: ConnectorContext): Promise<QueryResult>;
  /** Where the result is and how to look at it, as one line for people. Without secrets. */
  whereabouts(config: Config): string;
}

export interface QueryResult {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | null)[])[];
}

/** The column that says when a row was deleted at the source, under `deletes: soft`. */
export const DELETED_AT_COLUMN = '_brimful_deleted_at';
