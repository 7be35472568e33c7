import type { SourceHealth, Survey, TableSurvey } from '@brimful/connector';
import type { CapturePhase, EstimatedNumber, ProblemRecord, Run, Schema } from '@brimful/model';
import type { CollectionGenerations, TableGenerations } from '../collection/generations.ts';
import type { MeasuredRead } from '../capture/reading-time.ts';
import type { PriceList } from './price.ts';

/** Everything a plan rests on, collected beforehand: with this and a request, planning is arithmetic. */
export interface PlanFacts {
  readonly now: number;
  readonly bindings: readonly BindingFacts[];
  /** All runs there are, newest first. */
  readonly runs: readonly Run[];
  /** What the capture's first reads came to. Null: not measured, or the source is not read. */
  readonly firstRead: MeasuredRead | null;
  /** Of the data directory. `keepFreeBytes`: captures pause below it. */
  readonly disk: { readonly freeBytes: number; readonly keepFreeBytes: number };
  readonly prices: PriceList | null;
  /** What stops the capture as a whole at present. */
  readonly captureProblem: ProblemRecord | null;
}

export interface BindingFacts {
  readonly collection: string;
  /** Null for materialization runs. */
  readonly resource: string | null;
  /** The table's shape at the source, as it is discovered. Null for materialization runs. */
  readonly sourceSchema: Schema | null;
  /** What the source says about the table and the scope. Null for materialization runs. */
  readonly survey: Survey | null;
  /** The collection's own shape at present; null: it has none yet. */
  readonly schema: Schema | null;
  /** Every shape that rows of this generation have had, oldest first. The last one is `schema`. */
  readonly shapes: readonly Schema[];
  readonly generations: CollectionGenerations;
  readonly journal: { readonly first: number; readonly next: number; readonly bytes: number } | null;
  /** Whether compaction has written down what the journal came to. */
  readonly hasBase: boolean;
  /** Rows the collection holds. Null: not known without reading it. */
  readonly collectionRows: EstimatedNumber | null;
  /** As the running pipe published it last; null: unknown. */
  readonly phase: CapturePhase | null;
  /** Its stream was lost and began anew: only its next generation can be followed. */
  readonly isCutOff: boolean;
  readonly tables: readonly TableFacts[];
}

export interface TableFacts {
  readonly materialization: string;
  readonly table: string;
  readonly deletes: 'hard' | 'soft';
  readonly adopt: boolean;
  readonly generations: TableGenerations;
  /** Null: the destination has no such table yet. */
  readonly survey: TableSurvey | null;
  /** Why the destination could not be asked. */
  readonly problem: ProblemRecord | null;
}

/** Of the source; null when it was not asked. The same in every survey of one call. */
export function sourceOf(facts: PlanFacts): SourceHealth | null {
  return facts.bindings.find(({ survey }) => survey !== null)?.survey?.source ?? null;
}
