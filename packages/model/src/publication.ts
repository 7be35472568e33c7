import type { EstimatedNumber } from './backfill-plan.ts';
import type { ProblemRecord } from './problem.ts';

/**
 * The catalog is the user's file: captures, collections, materializations, settings. Changing it is a publication: planned,
 * looked at, applied if the file is still the one it was planned on, and kept. Texts here have no secrets: what stands
 * literally in a secret's place of the file is `***`. (Invariant 10)
 */
export interface Catalog {
  /** Absolute. */
  readonly path: string;
  /** SHA-256 of the file as it is on disk now, in hexadecimal. */
  readonly revision: string;
  readonly text: string;
  /** What runs now, or ran last; null where nothing did. */
  readonly appliedRevision: string | null;
  /** Whether the file was edited since: what runs is not what it says. */
  readonly changedOnDisk: boolean;
  /** Number of the newest publication that was applied; null: there is none yet. */
  readonly publication: number | null;
  /** Of what runs. */
  readonly captures: readonly CatalogTask[];
  readonly materializations: readonly CatalogTask[];
}

export interface CatalogTask {
  readonly name: string;
  readonly connector: string;
  /** Bindings that stand in the file. */
  readonly bindings: number;
  /** Of a capture: it takes new tables by itself. Of a materialization: it follows a whole capture. */
  readonly followsAll: boolean;
}

export type CatalogAction = 'add' | 'remove' | 'change';
/** `binding`: a source table and its collection. `table`: a collection and its destination table. */
export type CatalogSubject = 'capture' | 'binding' | 'collection' | 'materialization' | 'table' | 'setting';

/**
 * What happens because of a change. `first read`: tables begin to be read. `load`: a destination table is filled from what was
 * captured. `stops`: nothing is fed any more; what is there stays. `restarts`: goes on where it was, in a moment.
 * `backfill`: a run is needed afterwards, see `command`. `server restart`: takes effect with the next `brimful up`.
 */
export type CatalogConsequence =
  | 'first read'
  | 'load'
  | 'stops'
  | 'restarts'
  | 'backfill'
  | 'server restart'
  | 'none';

export interface CatalogChange {
  readonly action: CatalogAction;
  readonly kind: CatalogSubject;
  /** `shop/postgres`, `public.orders`, `orders`, `limits.memory`. */
  readonly subject: string;
  /** Name of the capture or materialization it belongs to; null for collections and settings. */
  readonly task: string | null;
  /** What changes: "public.orders is captured into shop/orders." */
  readonly sentence: string;
  readonly consequence: CatalogConsequence;
  /** What happens because of it: "Its first read begins, about 1.2 M rows." */
  readonly effect: string;
  /** That will be read or loaded; null: none, or not known. */
  readonly rows: EstimatedNumber | null;
  readonly bytes: EstimatedNumber | null;
  /** What to run afterwards; null: nothing. */
  readonly command: string | null;
}

/** Something that keeps a text from being a catalog, and where. Lines and columns count from 1. */
export interface CatalogProblem {
  readonly code: string;
  readonly message: string;
  readonly line: number | null;
  readonly column: number | null;
  readonly remedy: string | null;
}

/** Consecutive lines of two texts, with some that are the same around those that differ. */
export interface TextHunk {
  readonly lines: readonly TextLine[];
}

/** Numbers count from 1; null: the line is not in that text. */
export interface TextLine {
  readonly kind: 'same' | 'removed' | 'added';
  readonly before: number | null;
  readonly after: number | null;
  readonly text: string;
}

/** Found by connecting to what is added or changed. */
export interface CatalogFinding {
  readonly subject: string;
  readonly level: 'ok' | 'warning' | 'error';
  readonly message: string;
  readonly remedy: string | null;
}

/** What a new text would do. It can be applied when it has no `problems` and nothing is `blocked`. */
export interface PublicationPlan {
  readonly id: string;
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly author: string;
  readonly reason: string;
  /** Of the file as it is on disk; applying is refused when it is another by then. */
  readonly base: string;
  /** Of the new text. */
  readonly revision: string;
  readonly text: string;
  /** Whether what is on disk is not what runs: those edits are part of `changes`, too. */
  readonly changedOnDisk: boolean;
  /** From what runs to the new text. */
  readonly changes: readonly CatalogChange[];
  /** From the text on disk to the new one. */
  readonly diff: readonly TextHunk[];
  readonly problems: readonly CatalogProblem[];
  /** Why it cannot be applied although it is valid: a run holds a table, a connection fails. */
  readonly blocked: readonly string[];
  /** Good to know before it is applied. */
  readonly warnings: readonly string[];
  readonly findings: readonly CatalogFinding[];
  /** Of all first reads together; null: nothing is read, or nothing is known. */
  readonly rows: EstimatedNumber | null;
  readonly bytes: EstimatedNumber | null;
}

/**
 * `applying`: on its way. `applied`: it took effect, and perhaps later ones did. `refused`: it did not start, and what was
 * before was restored. `abandoned`: it was interrupted before the file was written.
 */
export type PublicationState = 'applying' | 'applied' | 'refused' | 'abandoned';
/** `file`: somebody edited the file, and `brimful up` began with it. */
export type PublicationOrigin = 'browser' | 'command line' | 'file';

/** One change of the catalog, as lists show it. */
export interface PublicationSummary {
  /** Counts from 1, without gaps. */
  readonly number: number;
  readonly state: PublicationState;
  readonly at: number;
  readonly who: string;
  readonly why: string;
  readonly origin: PublicationOrigin;
  /** Of the text before; null: there was none. */
  readonly base: string | null;
  readonly revision: string;
  /** The first changes in one sentence. */
  readonly headline: string;
  /** How many changes there are. */
  readonly changeCount: number;
  /** Why it was refused. */
  readonly problem: ProblemRecord | null;
}

/** With all of it. */
export interface Publication extends PublicationSummary {
  readonly before: string | null;
  readonly after: string;
  readonly changes: readonly CatalogChange[];
  readonly diff: readonly TextHunk[];
}
