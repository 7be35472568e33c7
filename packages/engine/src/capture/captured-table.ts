import type {
  Estimate,
  Position,
  Resource,
  Resume,
  ScanPlan,
  Snapshot,
  StreamPart,
} from '@brimful/connector';
import type { Batch, Column, ProblemRecord, Range, RowKey, Schema } from '@brimful/model';
import { Problem, assert, keyIndices, rangeSet } from '@brimful/model';
import { Recorder, missingRows, reconcile } from '../backfill/handoff.ts';
import {
  chosenColumns,
  insertsOf,
  missingDeletes,
  remedyUpdates,
  selectChanges,
} from '../backfill/remedy.ts';
import type { Remedy } from '../backfill/overtaken-rows.ts';
import { CollectionReader } from '../collection/collection-reader.ts';
import type { CollectionWriter, StagedSegment } from '../collection/collection-writer.ts';
import type { EngineContext } from '../context.ts';
import { Meter } from '../flow/meter.ts';
import { carriedInto, stillUnchanged } from './carried-rows.ts';
import type { Backfill, BackfillEvent, CaptureCheckpoint, Reread, RereadRequest } from './checkpoint.ts';
import { newBackfill, newCheckpoint, nextPhase } from './checkpoint.ts';
import { cutOff, isCutOff } from './lost-changes.ts';

/** A segment of an open chunk: durable, but in no journal yet. `keys` are its key columns, in key order. */
export interface OpenSegment {
  readonly staged: StagedSegment;
  readonly keys: readonly Column[];
}

/** A chunk that was read to its end and that the stream has passed. */
export interface ReadChunk {
  /** Null: a look-up by keys, which covers no range. */
  readonly range: Range | null;
  readonly segments: readonly OpenSegment[];
  readonly snapshot: Snapshot;
  readonly passed: Position;
  readonly readAt: number;
  /** The journal's shape of the table when the read began. */
  readonly shape: Schema | undefined;
  /** Keys that were asked for because the collection has them: those the source no longer has are deleted. */
  readonly nominated?: { readonly keys: readonly Column[]; readonly rows: number } | undefined;
}

/**
 * One binding of a capture during one session: the journal, its checkpoint, and what the handoff has to know. Stream and
 * scans both come through here; the journal's turn keeps them apart. (Invariant 3)
 */
export class CapturedTable {
  readonly resource: string;
  readonly writer: CollectionWriter<CaptureCheckpoint>;
  /** What the source's statistics said when the session began. */
  readonly estimate: Estimate;
  /** Rows and bytes of open chunks: read, and in no journal yet. */
  openRows = 0;
  openBytes = 0;
  readonly recorder = new Recorder();
  readonly rowsMeter = new Meter();
  readonly bytesMeter = new Meter();
  readonly changesMeter = new Meter();
  readonly #context: EngineContext;
  /** Where this session's changes begin in the journal. Everything before is visible to every snapshot: `join` waited. */
  readonly #sessionStart: number;
  #checkpoint: CaptureCheckpoint;
  /** The version that the stream told last in this session. */
  #told: Schema | undefined;
  #attempt = 0;
  #dropped = false;
  #isGivenUp = false;
  #problem: ProblemRecord | undefined;

  constructor(
    context: EngineContext,
    resource: Pick<Resource, 'name' | 'estimate'>,
    writer: CollectionWriter<CaptureCheckpoint>,
  ) {
    this.#context = context;
    this.resource = resource.name;
    this.estimate = resource.estimate;
    this.writer = writer;
    this.#sessionStart = writer.head.next;
    this.#checkpoint = writer.head.checkpoint ?? newCheckpoint(0n);
  }

  get backfill(): Backfill {
    return this.#checkpoint.backfill;
  }

  get resume(): Resume {
    return this.#checkpoint.resume;
  }

  /** Counts attempts at the first read; a chunk of an earlier one is void. */
  get attempt(): number {
    return this.#attempt;
  }

  /** Why the table is not followed at present. */
  get problem(): ProblemRecord | undefined {
    return this.#problem ?? this.backfill.problem ?? undefined;
  }

  get dropped(): boolean {
    return this.#dropped;
  }

  /** Nothing is read of it (any more): it is whole, or it has lost changes. */
  get isRead(): boolean {
    return this.#isGivenUp || this.backfill.phase === 'complete' || this.backfill.phase === 'gap';
  }

  get remaining(): readonly Range[] {
    return rangeSet.subtract(this.backfill.plan?.total ?? rangeSet.NOTHING, this.backfill.done);
  }

  /** Reading it came to a stop that only an operator can end. */
  get stopped(): boolean {
    return this.#problem !== undefined;
  }

  /** Somebody has mended it, or wants it tried again. */
  goOn(): void {
    this.#problem = undefined;
  }

  stop(problem: ProblemRecord): void {
    this.#problem = problem;
  }

  /** The table joined the stream at `from`. A table that has streamed before goes on where its journal ends. */
  async joined(schema: Schema, from: Position): Promise<void> {
    this.#dropped = false;
    await this.writer.exclusive(async () => {
      await this.writer.putSchema(schema);
      const fresh = this.writer.head.checkpoint === undefined;
      await this.#commit({
        ...this.#checkpoint,
        ...(fresh ? { resume: { position: from.toString() } } : {}),
      });
    });
  }

  /** Nothing more is read of it: its journal goes. Waits for a chunk that is being appended. */
  async giveUp(): Promise<void> {
    await this.writer.exclusive(async () => {
      this.#isGivenUp = true;
      this.#attempt += 1;
    });
  }

  /** The journal begins, or goes on after changes were lost, at this place of the stream. */
  async beginAt(resume: Resume, carriesOver = this.backfill.carriesOver): Promise<void> {
    await this.writer.exclusive(() => this.#commit({ backfill: { ...this.backfill, carriesOver }, resume }));
  }

  /**
   * Puts parts of the stream, in order, and tells the checkpoint that goes with them. In the journal's turn; the caller
   * commits, and then calls `followed`.
   */
  async put(parts: readonly StreamPart[]): Promise<CaptureCheckpoint> {
    let { resume, backfill } = this.#checkpoint;
    for (const part of parts) {
      if (part.kind === 'rows') {
        this.#record(part.batch);
        await this.writer.putChanges(part.batch, lastCommit(part.batch));
        this.changesMeter.add(part.batch.rows);
        resume = part.resume;
      } else if (part.kind === 'truncate') {
        if (backfill.phase !== 'complete') this.recorder.recordTruncate(part.transaction);
        this.writer.putTruncate(Number(part.committedAt / 1000n));
        resume = part.resume;
      } else if (part.kind === 'schema') {
        await this.#tell(part.schema);
      } else if (part.kind === 'failed') {
        backfill = { ...backfill, phase: phaseAfter(backfill, 'lost'), problem: part.problem };
      } else if (part.kind === 'stale') {
        backfill = { ...backfill, problem: part.problem };
      } else {
        this.markDropped();
      }
    }
    return { resume, backfill };
  }

  /** What was put is durable. */
  followed(checkpoint: CaptureCheckpoint): void {
    this.#checkpoint = checkpoint;
  }

  /** Changes were lost: what the journal holds stays, and is fed no longer. */
  async lose(problem: ProblemRecord): Promise<void> {
    await this.writer.exclusive(async () => {
      if (this.backfill.phase === 'gap') return;
      await this.#commitBackfill({ ...this.backfill, phase: phaseAfter(this.backfill, 'lost'), problem });
    });
  }

  /** Its journal ends where the stream was lost. */
  get isCutOff(): boolean {
    return this.backfill.phase === 'gap' && isCutOff(this.backfill.problem);
  }

  /** The stream begins anew, and nobody has seen what lies between. Idempotent. (Handoff rule H15) */
  async cutOff(): Promise<void> {
    await this.writer.exclusive(async () => {
      const phase = phaseAfter(this.backfill, 'lost');
      const problem = cutOff(this.writer.collection);
      const { reread } = this.backfill;
      const given = reread?.outcome === 'reading' ? { ...reread, outcome: 'cancelled' as const } : reread;
      await this.#commitBackfill({ ...this.backfill, phase, problem, reread: given });
    });
  }

  /** The source has it no more. */
  markDropped(): void {
    this.#dropped = true;
  }

  /** A run wants the table read again. From now on changes are recorded. Asked twice for the same run, it stays as it is. */
  async reread(request: RereadRequest): Promise<void> {
    await this.writer.exclusive(async () => {
      const { backfill } = this.#checkpoint;
      const { reread: known } = backfill;
      if (known?.run === request.run && known.outcome !== 'cancelled') return;
      const phase = phaseAfter(backfill, 'reread');
      const before = backfill.phase === 'gap' ? 'gap' : 'complete';
      const { problem } = backfill;
      const from = this.writer.head.next;
      const reread = { ...request, outcome: 'reading', before, deleted: 0 } as const;
      this.#problem = undefined;
      await this.#commitBackfill({ ...newBackfill(), phase, from, problem, reread });
    });
  }

  /** What was read so far stays: it is as true as what the stream brings. */
  async cancelReread(run: string): Promise<void> {
    await this.writer.exclusive(async () => {
      const { backfill } = this.#checkpoint;
      const { reread } = backfill;
      if (reread?.run !== run || reread.outcome !== 'reading') return;
      this.#attempt += 1;
      this.recorder.forget();
      const phase = this.isRead
        ? backfill.phase
        : phaseAfter(backfill, reread.before === 'gap' ? 'cancelled with a gap' : 'cancelled');
      await this.#commitBackfill({
        ...backfill,
        phase,
        plan: null,
        reread: { ...reread, outcome: 'cancelled' },
      });
    });
  }

  /** The first read begins, or goes on: fixes the plan. */
  async begin(plan: ScanPlan): Promise<void> {
    await this.writer.exclusive(async () => {
      const { backfill } = this.#checkpoint;
      await this.#commitBackfill({ ...backfill, phase: phaseAfter(backfill, 'begin'), plan });
    });
  }

  /**
   * Appends a chunk with what the stream says about its rows taken into account, or says why it must be read again. One
   * turn: nothing is journaled between the look at what overtook it and its append. (Invariant 5)
   */
  async close(chunk: ReadChunk, attempt: number): Promise<'appended' | 'again'> {
    return this.writer.exclusive(async () => {
      if (attempt !== this.#attempt) return 'again';
      const overtaken = this.recorder.overtaken(chunk.snapshot);
      if (overtaken.kind === 'discard') {
        this.#context.log.info(
          { resource: this.resource, reason: overtaken.reason },
          'a chunk is read again',
        );
        return 'again';
      }
      // A shape that was left behind while the chunk was read: rows of it would miss the new columns' values.
      if (chunk.segments.some(({ staged }) => this.#isOutdated(staged.schema, chunk.shape))) return 'again';
      const indivisible = chunk.range !== null && this.backfill.plan?.divisible === false;
      if (indivisible) this.writer.putTruncate(chunk.readAt);
      let rows = 0;
      for (const { staged, keys } of chunk.segments) {
        const { dropped, remedied } = reconcile(staged.schema, keys, staged.rows, overtaken.remedies);
        await this.#putSegment(staged, dropped, chunk);
        rows += staged.rows - dropped.length;
        if (remedied.length === 0) continue;
        const batch = await this.writer.readStaged(staged);
        const updates = remedyUpdates(batch, remedied, BigInt(chunk.readAt) * 1000n, chunk.passed);
        await this.writer.putChanges(updates, chunk.readAt);
      }
      const deleted = await this.#putDeletes(chunk, overtaken.remedies);
      if (indivisible) await this.#replayUnseen(chunk.snapshot);
      const bytes = chunk.segments.reduce((sum, segment) => sum + segment.staged.rawBytes, 0);
      const { backfill } = this.#checkpoint;
      const done = chunk.range === null ? backfill.done : rangeSet.union(backfill.done, [chunk.range]);
      await this.#commitBackfill({
        ...backfill,
        done,
        rows: backfill.rows + rows,
        bytes: backfill.bytes + bytes,
        reread: backfill.reread && { ...backfill.reread, deleted: backfill.reread.deleted + deleted },
      });
      // What was said in part was written anew.
      if (chunk.range !== null && (backfill.reread?.columns ?? null) !== null)
        for (const { staged } of chunk.segments) await this.writer.unstage(staged);
      return 'appended';
    });
  }

  async #putSegment(staged: StagedSegment, dropped: readonly number[], chunk: ReadChunk): Promise<void> {
    const columns = this.backfill.reread?.columns ?? null;
    if (columns === null || chunk.range === null) {
      // A look-up must be replayed where it stands: pass 2 would overwrite rows that pass 1 had loaded from it.
      await this.writer.putStaged(staged, dropped, chunk.readAt, chunk.range === null ? 'changes' : 'scan');
      return;
    }
    const batch = await this.writer.readStaged(staged);
    const updates = chosenColumns(batch, columns, dropped, BigInt(chunk.readAt) * 1000n, chunk.passed);
    await this.writer.putChanges(updates, chunk.readAt);
  }

  /**
   * Rows that an earlier generation has are put in, but for those whose keys changed. One turn: nothing is journaled between
   * the look at what changed and the append. They must fit the table as it is now. (Invariants 5, 6)
   */
  async carry(batch: Batch, changed: () => ReadonlySet<RowKey> | undefined): Promise<void> {
    await this.writer.exclusive(async () => {
      const keys = changed();
      const { schema } = this.writer;
      if (keys === undefined || schema === undefined)
        throw new Problem('BRM-SCAN-MOVED', 'too much changed meanwhile', { kind: 'retry' });
      const rows = stillUnchanged(carriedInto(batch, schema, this.resource), keys);
      if (rows.rows === 0) return;
      const readAt = this.#context.now();
      const position = BigInt(this.resume.position);
      await this.writer.putChanges(insertsOf(rows, schema, BigInt(readAt) * 1000n, position), readAt);
      await this.#commit(this.#checkpoint);
    });
  }

  /** Keys the collection has and the source had no longer, in a snapshot that nothing recorded contradicts. */
  async #putDeletes(
    { nominated, segments, readAt, passed }: ReadChunk,
    remedies: ReadonlyMap<RowKey, Remedy>,
  ): Promise<number> {
    const schema = this.writer.schema;
    if (nominated === undefined || schema === undefined) return 0;
    const found = segments.map(({ keys, staged }) => ({ keys, rows: staged.rows }));
    const missing = missingRows(schema, nominated, found, remedies);
    if (missing.length === 0) return 0;
    const deletes = missingDeletes(schema, nominated.keys, missing, BigInt(readAt) * 1000n, passed);
    await this.writer.putChanges(deletes, readAt);
    return missing.length;
  }

  /** All ranges are done: what the stream left out is looked up next. */
  async covered(): Promise<void> {
    await this.#advance('covered');
  }

  /** The collection now holds every row of its table, or what the run asked for of it. */
  async complete(): Promise<void> {
    await this.writer.exclusive(async () => {
      const { backfill } = this.#checkpoint;
      const { reread } = backfill;
      const phase = phaseAfter(backfill, 'filled');
      if (reread === null) this.writer.putComplete(this.#context.now());
      // Whatever had gone past the stream has now been looked at.
      const problem = reread !== null && settles(reread, backfill.problem) ? null : backfill.problem;
      await this.#commitBackfill({
        ...backfill,
        phase,
        plan: null,
        problem,
        reread: reread && { ...reread, outcome: 'done' },
      });
    });
    this.recorder.forget();
  }

  /**
   * Starts the read over: what was read lost its meaning. Changes journaled so far must be seen by what is read anew. A run's
   * read begins again at its first range, and what it had brought stays; a first read begins behind a truncation.
   */
  async restart(): Promise<void> {
    const { from, reread, problem } = this.backfill;
    if (reread?.outcome === 'reading') return this.#startOver({ ...newBackfill(), from, reread, problem });
    return this.beginAnew();
  }

  /** Another table may have the name: nothing of the one before counts. */
  async beginAnew(): Promise<void> {
    await this.#startOver(undefined);
  }

  /** `undefined`: behind a truncation. */
  async #startOver(backfill: Backfill | undefined): Promise<void> {
    await this.writer.exclusive(async () => {
      this.#attempt += 1;
      this.recorder.forget();
      if (backfill === undefined) this.writer.putTruncate(this.#context.now());
      const phase = phaseAfter(this.backfill, 'restart');
      await this.#commitBackfill({
        ...(backfill ?? { ...newBackfill(), from: this.writer.head.next }),
        phase,
      });
    });
  }

  /**
   * A table without a key was read in one snapshot: its journal restarts with the chunk, and only changes the snapshot
   * did not see follow it again. Many small writes are fine: until the last, the checkpoint says the range is not done.
   */
  async #replayUnseen(snapshot: Snapshot): Promise<void> {
    const until = this.writer.head.next;
    await this.#commit(this.#checkpoint);
    const reader = new CollectionReader(this.#context, this.writer.collection, this.writer.generation);
    const { signal } = new AbortController();
    for await (const entry of reader.history(this.#sessionStart, until, signal)) {
      if (entry.kind !== 'rows') continue;
      const batch = await reader.batch(entry);
      const { changes } = batch;
      const unseen = selectChanges(
        batch,
        (row) => changes !== undefined && !snapshot.sees(changes.transactions[row] as bigint),
      );
      if (unseen === undefined) continue;
      await this.writer.putChanges(unseen, entry.meta.committedAt);
      await this.#commit(this.#checkpoint);
    }
  }

  /** The stream's shape from here on. A session's first may be behind the one that `join` saw: that is no change back. */
  async #tell(schema: Schema): Promise<void> {
    const known = this.writer.known(schema);
    const repeated = known !== undefined && (this.#told === undefined || known === this.#told);
    this.#told = repeated ? known : await this.writer.putSchema(schema);
  }

  /** Rows in a shape that the journal had left before they were read are in a shape it has not come to yet. */
  #isOutdated(schema: Schema, shapeBefore: Schema | undefined): boolean {
    const known = this.writer.known(schema);
    return known !== undefined && known !== this.writer.schema && this.writer.schema !== shapeBefore;
  }

  #record(batch: Batch): void {
    const { phase } = this.#checkpoint.backfill;
    if (phase === 'waiting') this.recorder.note(batch);
    else if (phase === 'scanning' || phase === 'filling') this.recorder.record(batch);
  }

  async #advance(event: BackfillEvent): Promise<void> {
    await this.writer.exclusive(async () => {
      await this.#commitBackfill({ ...this.backfill, phase: phaseAfter(this.backfill, event) });
    });
  }

  #commitBackfill(backfill: Backfill): Promise<void> {
    return this.#commit({ ...this.#checkpoint, backfill });
  }

  async #commit(checkpoint: CaptureCheckpoint): Promise<void> {
    await this.writer.commit(checkpoint);
    this.#checkpoint = checkpoint;
  }
}

/** The key columns of a batch, in key order. */
export function keyColumns(batch: Batch): readonly Column[] {
  return keyIndices(batch.schema).map((index) => batch.columns[index] as Column);
}

/** Whether all that had gone past the stream has been looked at by the run: the whole table, and every column it is about. */
function settles({ scope, columns }: Reread, problem: ProblemRecord | null): boolean {
  if (scope.kind !== 'all' || problem === null) return scope.kind === 'all';
  const about = problem.at['columns'];
  if (columns === null) return true;
  return typeof about === 'string' && about.split(', ').every((name) => columns.includes(name));
}

function phaseAfter(backfill: Backfill, event: BackfillEvent): Backfill['phase'] {
  const next = nextPhase(backfill.phase, event);
  assert(next !== undefined, `a table that is ${backfill.phase} is never ${event}`);
  return next;
}

/** Milliseconds since 1970 of the newest commit in a batch of changes. */
function lastCommit(batch: Batch): number {
  const committedAt = batch.changes?.committedAt;
  return committedAt === undefined || batch.rows === 0
    ? 0
    : Number((committedAt[batch.rows - 1] as bigint) / 1000n);
}
