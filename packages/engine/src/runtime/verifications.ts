import type { VerificationReport } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { VerifySubject } from '../backfill/execute/means.ts';
import type { Governor } from '../backfill/govern/governor.ts';
import type { Verification } from '../backfill/verify/plan-repairs.ts';
import type { RepairSubject } from '../backfill/verify/repair.ts';
import type { Verified } from '../backfill/verify/verified.ts';
import { verifySource } from '../backfill/verify/verify-source.ts';
import type { VerifyMeans, VerifyProgress } from '../backfill/verify/verify-table.ts';
import { verifyTable } from '../backfill/verify/verify-table.ts';
import type { CaptureTask } from '../capture/capture-task.ts';
import { CollectionReader } from '../collection/collection-reader.ts';
import { readState } from '../collection/collection-state.ts';
import { holdHistory } from '../collection/history-hold.ts';
import type { Budget, EngineContext } from '../context.ts';
import type { MaterializationTask } from '../materialization/materialization-task.ts';

/** What people ask to be compared. */
export interface VerifyRequest {
  /** A materialization, a capture, or a collection. */
  readonly target: string;
  /** Collections; null: all of it. */
  readonly bindings: readonly string[] | null;
  readonly level: 'full' | 'counts';
}

export interface VerificationMeans {
  readonly context: EngineContext;
  readonly captures: readonly CaptureTask[];
  readonly materializations: readonly MaterializationTask[];
  readonly governors: ReadonlyMap<string, Governor>;
  /** Of verifications alone. */
  readonly memory: Budget;
}

export type OnVerifyProgress = (progress: VerifyProgress & { readonly subject: string }) => void;

/** Comparisons with the tasks at work in this process: for runs before they swap, and for people at any time. */
export class Verifications {
  readonly #means: VerificationMeans;
  #count = 0;

  constructor(means: VerificationMeans) {
    this.#means = means;
  }

  /** What a run has built, with where it came from. */
  async ofRun(subject: VerifySubject, signal: AbortSignal): Promise<readonly VerificationReport[]> {
    const { binding, generation, level, run } = subject;
    const { collection } = binding;
    const reports: VerificationReport[] = [];
    if (subject.source)
      reports.push((await this.#source({ collection, generation, level, token: run }, signal)).report);
    for (const table of binding.tables) {
      const { materialization } = table;
      const of = { materialization, collection, table: table.generation.to, level };
      reports.push((await this.#table(of, signal)).report);
    }
    return reports;
  }

  /** Everything asked for, one after the other. Throws `BRM-VERIFY-TARGET` for what is not there. */
  async verify(
    request: VerifyRequest,
    signal: AbortSignal,
    onProgress?: OnVerifyProgress,
  ): Promise<readonly Verification[]> {
    const { target, level } = request;
    const wanted = (collection: string): boolean => request.bindings?.includes(collection) ?? true;
    const verifications: Verification[] = [];
    for (const capture of this.#means.captures) {
      for (const { collection, current } of capture.resources.values()) {
        if ((target !== capture.spec.name && target !== collection) || !wanted(collection)) continue;
        const { generation } = current.writer;
        const of = { collection, generation, level, token: `verification of ${target}` };
        const verified = await this.#source(of, signal, onProgress);
        verifications.push({ ...verified, repairs: this.#repairs(collection, undefined) });
      }
    }
    for (const task of this.#means.materializations) {
      for (const collection of task.bindings.keys()) {
        const { name } = task.spec;
        if ((target !== name && target !== collection) || !wanted(collection)) continue;
        const of = { materialization: name, collection, table: null, level };
        const verified = await this.#table(of, signal, onProgress);
        verifications.push({ ...verified, repairs: this.#repairs(collection, name) });
      }
    }
    if (verifications.length > 0) return verifications;
    throw new Problem('BRM-VERIFY-TARGET', `There is nothing called ${target} to verify.`, {
      remedy: 'Name a materialization, a capture or a collection: see `brimful status`.',
      at: { target },
    });
  }

  #repairs(collection: string, materialization: string | undefined): RepairSubject | undefined {
    for (const { spec, resources } of this.#means.captures) {
      for (const resource of resources.values()) {
        if (resource.collection !== collection) continue;
        const hasKey = (resource.current.writer.schema?.key.length ?? 0) > 0;
        return {
          collection,
          hasKey,
          capture: spec.name,
          ...(materialization === undefined ? {} : { materialization }),
        };
      }
    }
    return undefined;
  }

  async #source(
    of: { collection: string; generation: number; level: 'full' | 'counts'; token: string },
    signal: AbortSignal,
    onProgress?: OnVerifyProgress,
  ): Promise<Verified> {
    const { collection, generation, level, token } = of;
    const { capture, table } = this.#captured(collection, generation);
    const { schema } = table.writer;
    if (schema === undefined) throw away(collection);
    const session = capture.session(collection);
    const seesFrom = table.writer.head.next;
    using _ = holdHistory(this.#means.context.store, collection, generation, seesFrom);
    await session.revisit(table.resource, 'look');
    const governor = this.#means.governors.get(capture.spec.name);
    try {
      return await verifySource({
        ...this.#shared(collection, generation, collection, signal, onProgress),
        subject: collection,
        session,
        resource: table.resource,
        schema,
        level,
        pace: governor?.pace(token) ?? FREE_PACE,
        reached: (position, until) => capture.passed.reached(position, until),
        head: () => table.writer.head.next,
        seesFrom,
      });
    } finally {
      if (token.startsWith('verification')) governor?.forget(token);
    }
  }

  async #table(
    of: { materialization: string; collection: string; table: number | null; level: 'full' | 'counts' },
    signal: AbortSignal,
    onProgress?: OnVerifyProgress,
  ): Promise<Verified> {
    const { materialization, collection, level } = of;
    const task = this.#means.materializations.find(({ spec }) => spec.name === materialization);
    const feed = of.table === null ? task?.feeds.get(collection) : task?.edition(collection, of.table);
    if (task === undefined || feed === undefined) throw away(`${materialization}: ${collection}`);
    const { handle } = feed;
    const { generation } = feed.source;
    // The table is compared with the collection as of where it stands: what lies behind that must stay.
    const { base, offset } = feed.applied;
    const from = base === undefined || base === null ? offset : 0;
    using _ = holdHistory(this.#means.context.store, collection, generation, from);
    const reader = new CollectionReader(this.#means.context, collection, generation);
    const subject = `${materialization}: ${handle.request.id.table}`;
    return await verifyTable({
      ...this.#shared(collection, generation, subject, signal, onProgress),
      subject,
      destination: task.destination,
      table: handle,
      schema: await reader.schema(feed.applied.schema),
      level,
    });
  }

  #shared(
    collection: string,
    generation: number,
    subject: string,
    signal: AbortSignal,
    onProgress: OnVerifyProgress | undefined,
  ): VerifyMeans {
    const { context, memory } = this.#means;
    this.#count += 1;
    return {
      state: async function* (asOf, options) {
        for await (const { batch } of readState(context, collection, generation, { ...options, asOf }))
          yield batch;
      },
      blobs: context.store.blobs,
      scratch: `scratch/verify/${process.pid}-${this.#count}`,
      memory,
      now: () => context.now(),
      signal,
      ...(onProgress === undefined ? {} : { onProgress: (progress) => onProgress({ ...progress, subject }) }),
    };
  }

  #captured(
    collection: string,
    generation: number,
  ): {
    readonly capture: CaptureTask;
    readonly table: NonNullable<ReturnType<CaptureTask['captured']>>['current'];
  } {
    for (const capture of this.#means.captures) {
      const table = capture.captured(collection)?.generation(generation);
      if (table !== undefined) return { capture, table };
    }
    throw away(collection);
  }
}

const FREE_PACE = {
  reader: () => Promise.resolve(() => undefined),
  pass: () => Promise.resolve(),
  take: () => Promise.resolve(),
  chunkBytes: () => Infinity,
};

function away(what: string): Problem {
  return new Problem('BRM-VERIFY-AWAY', `${what} is not connected just now`, { kind: 'retry' });
}
