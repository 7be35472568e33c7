import type { Offset } from '@brimful/store';
import type { Problem } from '@brimful/model';
import { toProblem } from '@brimful/model';
import type { Base } from '../collection/base.ts';
import { currentBase } from '../collection/base.ts';
import { CollectionReader } from '../collection/collection-reader.ts';
import { compact, forgetBases } from '../collection/compaction.ts';
import { heldFrom } from '../collection/history-hold.ts';
import { journalId } from '../collection/journal-id.ts';
import type { EngineContext } from '../context.ts';

/** How precisely retention is kept. */
export const RETENTION_LOOK_MILLISECONDS = 10_000;

/** A compaction that failed is tried again after this: what it met (a corrupt blob, a full disk) rarely mends itself. */
const RETRY_MILLISECONDS = 600_000;

/** A generation's journal, and who still needs how much of it. */
export interface RetainedJournal {
  readonly collection: string;
  readonly generation: number;
  /** Every table fed from it has everything below; Infinity: none is fed; null: one of them is not `live` yet. */
  readonly applied: Offset | null;
  /** Captures and runs read entries from here on again (`backfill.from`, the session's start of a keyless table); Infinity: none does. */
  readonly floor: Offset;
  /** The source is not being read for it: no first read, no reading anew. */
  readonly complete: boolean;
}

export interface CompactionPolicy {
  /** History that is not worth a base. */
  readonly leastBytes: number;
  /** How much longer than its base history may be. */
  readonly factor: number;
}

/** Disk is bounded at about three times the rows, and a row is written again once for every two changed. */
const UNLIMITED: CompactionPolicy = { leastBytes: 256 * 1024 ** 2, factor: 2 };
/** Somebody wants old history gone: sooner. */
const LIMITED: CompactionPolicy = { leastBytes: 64 * 1024 ** 2, factor: 1 };

/**
 * Whether history has grown so much that folding it is worth writing all rows anew. Sizes are those on disk; where there is
 * no base yet, `baseBytes` are those of the first read, since a base of it would be no smaller.
 */
export function shouldCompact(
  { sinceBytes, baseBytes }: { readonly sinceBytes: number; readonly baseBytes: number },
  { leastBytes, factor }: CompactionPolicy,
): boolean {
  return sinceBytes >= Math.max(leastBytes, factor * baseBytes);
}

/** What was counted of a journal, from its base (or its beginning) on. */
interface Measured {
  readonly base: Offset;
  until: Offset;
  sinceBytes: number;
  /** Rows of the first read; null once it is over, or where there is a base. */
  isLoading: boolean;
  loadedBytes: number;
}

/**
 * Keeps the disk bounded. History that has outgrown its rows is compacted into a base in the background; history below a
 * base is forgotten once every table has it, nobody reads it any more, and the configured retention has passed: without
 * one, at once. Nothing is forgotten that no base covers, so that a table can be built at any time. (Invariant 7)
 *
 * What fails for one journal is logged and tried again later; the others go on. (Invariant 8)
 */
export class Retention {
  readonly #keepMilliseconds: number | undefined;
  readonly #context: EngineContext;
  readonly #policy: CompactionPolicy;
  /** Per journal: how far everybody was, and when that was seen. */
  readonly #marks = new Map<string, { readonly at: number; readonly offset: Offset }[]>();
  readonly #measured = new Map<string, Measured>();
  readonly #failed = new Map<string, { readonly problem: Problem; readonly retryAt: number }>();

  constructor(
    context: EngineContext,
    keepMilliseconds: number | undefined,
    policy: CompactionPolicy = keepMilliseconds === undefined ? UNLIMITED : LIMITED,
  ) {
    this.#context = context;
    this.#keepMilliseconds = keepMilliseconds;
    this.#policy = policy;
  }

  /** Why journals are not compacted at present, by journal id. */
  get problems(): ReadonlyMap<string, Problem> {
    return new Map([...this.#failed].map(([id, { problem }]) => [id, problem]));
  }

  /** Looks after every journal once: compacts and forgets what is due, one after the other. Ends early when aborted. */
  async keep(journals: readonly RetainedJournal[], now: number, signal: AbortSignal): Promise<void> {
    const context = this.#context;
    for (const journal of journals) {
      signal.throwIfAborted();
      const id = journalId(journal.collection, journal.generation);
      const failed = this.#failed.get(id);
      if (failed !== undefined && now < failed.retryAt) continue;
      try {
        await this.#keepOne(context, id, journal, now, signal);
        this.#failed.delete(id);
      } catch (thrown) {
        if (signal.aborted) throw thrown;
        // A run has ended and its generation is gone.
        if ((await context.store.journals.state(id)) === undefined) continue;
        // Invariant 8
        const problem = toProblem(thrown);
        context.log.error({ journal: id, problem: problem.toJSON() }, 'history was not compacted');
        this.#failed.set(id, { problem, retryAt: now + RETRY_MILLISECONDS });
      }
    }
  }

  async #keepOne(
    context: EngineContext,
    id: string,
    journal: RetainedJournal,
    now: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { collection, generation, applied, floor, complete } = journal;
    const state = await context.store.journals.state(id);
    if (state === undefined) return;
    const settled = Math.min(applied ?? 0, floor, state.next);
    const due = this.#due(id, settled, now);
    let base = await currentBase(context.store.registry, collection, generation);
    // History that was forgotten before there were bases cannot be folded; a table's next reset begins anew.
    const isWhole = base !== undefined || state.first === 0;
    const isWanted = this.#keepMilliseconds === undefined || due > (base?.asOf ?? 0);
    if (complete && isWhole && isWanted && (await this.#isLong(context, journal, base, state, signal)))
      base = await compact(context, collection, generation, {
        // A table that has less could not be compared any more.
        asOf: Math.min(state.next, applied ?? Infinity),
        signal,
      });
    // Invariant 7: only what a base covers, and as of this very moment nobody reads. Whoever is behind the newest base needs
    // an older one, and all since.
    const behind = (): Offset => Math.min(applied ?? 0, heldFrom(context.store, collection, generation));
    if (base !== undefined && base.asOf > behind())
      base = await currentBase(context.store.registry, collection, generation, behind());
    const below = base === undefined || base.asOf > behind() ? 0 : Math.min(base.asOf, due);
    if (below > state.first) await context.store.journals.trim(id, below);
    // A table that is being loaded may be in the middle of an older base.
    await forgetBases(context, collection, generation, applied === null ? 0 : Math.min(floor, applied));
  }

  /** How much has been settled for as long as it must be kept. */
  #due(id: string, settled: Offset, now: number): Offset {
    if (this.#keepMilliseconds === undefined) return settled;
    const marks = this.#marks.get(id) ?? [];
    this.#marks.set(id, marks);
    if (marks.at(-1)?.offset !== settled) marks.push({ at: now, offset: settled });
    // The last mark that is old enough stays: it is what is due until the next one is.
    const old = marks.findLastIndex(({ at }) => now - at >= (this.#keepMilliseconds as number));
    marks.splice(0, Math.max(0, old));
    // A floor that was set since counts at once.
    return old === -1 ? 0 : Math.min(marks[0]?.offset ?? 0, settled);
  }

  async #isLong(
    context: EngineContext,
    { collection, generation }: RetainedJournal,
    base: Base | undefined,
    state: { readonly next: Offset; readonly bytes: number },
    signal: AbortSignal,
  ): Promise<boolean> {
    // Entries need not be counted while all of them together are too few.
    if (!shouldCompact({ sinceBytes: state.bytes, baseBytes: base?.bytes ?? 0 }, this.#policy)) return false;
    const measured = await this.#measure(context, collection, generation, base, state.next, signal);
    const baseBytes = base?.bytes ?? measured.loadedBytes;
    return shouldCompact({ sinceBytes: measured.sinceBytes, baseBytes }, this.#policy);
  }

  /** Counts entries that were not counted before. */
  async #measure(
    context: EngineContext,
    collection: string,
    generation: number,
    base: Base | undefined,
    until: Offset,
    signal: AbortSignal,
  ): Promise<Measured> {
    const id = journalId(collection, generation);
    const from = base?.asOf ?? 0;
    const known = this.#measured.get(id);
    const measured =
      known?.base === from
        ? known
        : { base: from, until: from, sinceBytes: 0, isLoading: base === undefined, loadedBytes: 0 };
    this.#measured.set(id, measured);
    const reader = new CollectionReader(context, collection, generation);
    for await (const { kind, meta, body, blob } of reader.history(measured.until, until, signal)) {
      const bytes = (body?.length ?? 0) + (blob?.bytes ?? 0);
      if (measured.isLoading && meta.scanned > 0) measured.loadedBytes += bytes;
      else measured.sinceBytes += bytes;
      if (kind === 'complete') measured.isLoading = false;
      measured.until += 1;
    }
    return measured;
  }
}
