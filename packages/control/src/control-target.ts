import type { Backfills, RunDraft, RunOrder } from '@brimful/engine';
import type {
  BackfillPlan,
  Catalog,
  Publication,
  PublicationOrigin,
  PublicationPlan,
  PublicationSummary,
  Run,
  RuntimeStatus,
  SecretSummary,
  VerificationReport,
} from '@brimful/model';

/** What a running pipe lets other processes do. */
export interface ControlTarget {
  readonly backfills: BackfillCalls;
  /** Undefined where what runs has no file. */
  readonly catalog?: CatalogCalls | undefined;
  readonly secrets?: SecretCalls | undefined;
  status(): RuntimeStatus;
  /** Compares; for what differs it plans a repair, and nothing else changes. Ends early, by throwing, when the signal is aborted. */
  verify(
    request: VerifyRequest,
    signal: AbortSignal,
    onProgress: (progress: VerifyProgress) => void,
  ): Promise<readonly VerificationReport[]>;
}

/** Backfill runs as people use them; the same with and without a running pipe. Errors are those of `Backfills`. */
export interface BackfillCalls {
  /** Checks what was typed and plans it. */
  plan(draft: RunDraft): Promise<BackfillPlan>;
  findPlan(id: string): Promise<BackfillPlan>;
  plans(): Promise<readonly BackfillPlan[]>;
  apply(planId: string, approval: Approval): Promise<Run>;
  runs(): Promise<readonly Run[]>;
  run(id: string): Promise<Run>;
  order(id: string, order: RunOrder): Promise<Run>;
  /** Every run as it is, then again after each change, until aborted. May skip what is between. */
  watch(signal: AbortSignal): AsyncIterable<Run>;
}

/** Changes of the catalog as people make them; the same with and without a running pipe. */
export interface CatalogCalls {
  read(): Promise<Catalog>;
  /** What a new text would do. A text that is not valid has a plan with problems. */
  plan(draft: CatalogDraft): Promise<PublicationPlan>;
  /** Throws `BRM-CATALOG-PLAN-UNKNOWN`. */
  findPlan(id: string): Promise<PublicationPlan>;
  /**
   * Writes the file, keeps the record, and lets what runs follow. Throws `BRM-CATALOG-CHANGED` (with the difference) when the
   * file is not the one that was planned on, `BRM-CATALOG-BLOCKED`, and `BRM-CATALOG-REFUSED` when it did not start: then
   * all is as it was.
   */
  apply(planId: string, approval: CatalogApproval): Promise<Publication>;
  /** The newest first. */
  list(): Promise<readonly PublicationSummary[]>;
  /** Throws `BRM-PUBLICATION-UNKNOWN`. */
  find(number: number): Promise<Publication>;
  /** A plan for the text before a publication. */
  planRevert(number: number, draft: Omit<CatalogDraft, 'text' | 'base'>): Promise<PublicationPlan>;
}

/** Secrets at rest. Their values go in, and never come out. (Invariant 10) */
export interface SecretCalls {
  list(): Promise<readonly SecretSummary[]>;
  put(name: string, value: string, who: string): Promise<SecretSummary>;
  /** Throws `BRM-SECRET-UNKNOWN`. */
  remove(name: string): Promise<void>;
}

export interface CatalogDraft {
  /** All of the new file. Lines that were shown with `***` in a secret's place mean the lines they were shown for. */
  readonly text: string;
  readonly reason: string;
  readonly author: string;
  /** The revision that was edited, where it is known. */
  readonly base?: string | undefined;
  /** Not to connect to what is added or changed. */
  readonly unchecked: boolean;
}

export interface CatalogApproval {
  readonly who: string;
  readonly origin: PublicationOrigin;
}

export interface Approval {
  readonly who: string;
  readonly acknowledged: readonly string[];
}

export interface VerifyRequest {
  /** A materialization, a capture or a collection. */
  readonly target: string;
  /** Collections; null: all. */
  readonly bindings: readonly string[] | null;
  readonly level: 'counts' | 'full';
  /** Whose repairs are planned. */
  readonly author?: string | undefined;
}

export interface VerifyProgress {
  readonly subject: string;
  /** What is being done to it: `source`, `collection`, `table`, `comparing`, `looking again`. */
  readonly stage: string;
  readonly rows: number;
}

export function backfillCalls(backfills: Backfills): BackfillCalls {
  return {
    plan: async (draft) => backfills.plan(await backfills.request(draft)),
    findPlan: (id) => backfills.findPlan(id),
    plans: () => backfills.plans(),
    apply: (planId, approval) => backfills.apply(planId, approval),
    runs: () => backfills.runs(),
    run: (id) => backfills.run(id),
    order: (id, order) => backfills.order(id, order),
    watch: (signal) => backfills.watch(signal),
  };
}
