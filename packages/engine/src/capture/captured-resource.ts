import type { Resume, StreamPart } from '@brimful/connector';
import type { ProblemRecord } from '@brimful/model';
import { Problem, assert } from '@brimful/model';
import { CollectionWriter } from '../collection/collection-writer.ts';
import type { EngineContext } from '../context.ts';
import { Turn } from '../flow/turn.ts';
import type { CapturedTable } from './captured-table.ts';
import type { CarryFrom } from './carry-over.ts';
import type { CaptureCheckpoint } from './checkpoint.ts';

/**
 * One source table during one session, and the journals of all generations of its collection, which are fed alike: the
 * current one, one that is being read for a reset, one that a reset has replaced and that can be gone back to.
 */
export class CapturedResource {
  readonly name: string;
  readonly collection: string;
  readonly #context: EngineContext;
  readonly #turn = new Turn();
  /** By generation; ascending. */
  readonly #tables = new Map<number, CapturedTable>();
  #current: number;
  /** Where the stream is, as far as this table goes, whether anybody was fed or not. */
  #delivered: Resume | undefined;

  constructor(context: EngineContext, current: CapturedTable) {
    this.#context = context;
    this.name = current.resource;
    this.collection = current.writer.collection;
    this.#current = current.writer.generation;
    this.#tables.set(this.#current, current);
  }

  /** What the collection's readers have. */
  get current(): CapturedTable {
    const table = this.#tables.get(this.#current);
    assert(table !== undefined, `${this.collection} has its current generation`);
    return table;
  }

  get tables(): readonly CapturedTable[] {
    return [...this.#tables.values()];
  }

  generation(generation: number): CapturedTable | undefined {
    return this.#tables.get(generation);
  }

  /** Where the stream is to go on for this table: what is fed stands at one place. (Invariant 4) */
  get resume(): Resume {
    const [first, ...others] = this.#fed();
    // Nobody follows it at present: who joins next begins where the stream is.
    if (first === undefined) return this.#delivered ?? this.current.resume;
    assert(
      others.every(({ resume }) => JSON.stringify(resume) === JSON.stringify(first.resume)),
      `all journals of ${this.collection} stand at the same place of the stream`,
    );
    return first.resume;
  }

  /** Journals parts of the stream, in order, in all generations: one atomic write. (Invariant 2) */
  async follow(parts: readonly StreamPart[]): Promise<void> {
    await this.#turn.run(async () => {
      const fed = this.#fed();
      if (fed.length > 0) await this.#inTurns(fed, [], parts);
      else if (parts.some(({ kind }) => kind === 'dropped')) this.current.markDropped();
      for (const part of parts) if ('resume' in part) this.#delivered = part.resume;
    });
  }

  /**
   * Another generation is fed from here on, between two pieces of the stream: it stands where its siblings stand. One that
   * has been fed before is fed on.
   */
  async attach(table: CapturedTable, carriesOver = false): Promise<void> {
    await this.#turn.run(async () => {
      // Before the first of them has joined, all join together.
      const hasBegun = this.current.writer.head.checkpoint !== undefined;
      if (hasBegun && table.writer.head.checkpoint === undefined)
        await table.beginAt(this.resume, carriesOver);
      this.#tables.set(table.writer.generation, table);
    });
  }

  /** A younger generation and the current one at one place of the stream, and what changes from there on. */
  async carryFrom(newer: CapturedTable): Promise<CarryFrom & Disposable> {
    return this.#turn.run(async () => {
      const older = this.current;
      const changed = newer.recorder.watch();
      return {
        older,
        olderEnd: older.writer.head.next,
        newerEnd: newer.writer.head.next,
        changed,
        [Symbol.dispose]: () => newer.recorder.unwatch(changed),
      };
    });
  }

  /** The stream begins anew for one generation: the others have lost what lies between, and are fed no longer. */
  async loseOthers(kept: CapturedTable): Promise<void> {
    await this.#turn.run(async () => {
      for (const table of this.tables) if (table !== kept) await table.lose(begunAnew(this.collection));
    });
  }

  /** Readers have this generation from now on. */
  async adopt(generation: number): Promise<void> {
    await this.#turn.run(async () => {
      assert(this.#tables.has(generation), `${this.collection} has generation ${generation}`);
      this.#current = generation;
    });
  }

  /** A generation is fed no longer. Its journal is closed, not removed. */
  async detach(generation: number): Promise<void> {
    const table = this.#tables.get(generation);
    if (table === undefined) return;
    await this.#turn.run(async () => {
      assert(generation !== this.#current, 'what readers have stays');
      this.#tables.delete(generation);
    });
    await table.giveUp();
    await table.writer[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.tables.map((table) => table.writer[Symbol.asyncDispose]()));
  }

  /**
   * A journal that has lost changes is left where it lost them while another one takes over; one that was cut off with all
   * others of its capture is, in any case. (Handoff rule H15)
   */
  #fed(): readonly CapturedTable[] {
    const whole = this.tables.filter((table) => table.backfill.phase !== 'gap');
    return whole.length === 0 ? this.tables.filter((table) => !table.isCutOff) : whole;
  }

  /** Takes the turns of all journals, one inside the other, in the order of generations; so nobody waits in a circle. */
  async #inTurns(
    tables: readonly CapturedTable[],
    commits: readonly { readonly table: CapturedTable; readonly checkpoint: CaptureCheckpoint }[],
    parts: readonly StreamPart[],
  ): Promise<void> {
    const [table, ...others] = tables;
    if (table !== undefined) {
      await table.writer.exclusive(async () => {
        const checkpoint = await table.put(parts);
        await this.#inTurns(others, [...commits, { table, checkpoint }], parts);
      });
      return;
    }
    await CollectionWriter.commitTogether(
      this.#context,
      commits.map(({ table: { writer }, checkpoint }) => ({ writer, checkpoint })),
    );
    for (const commit of commits) commit.table.followed(commit.checkpoint);
  }
}

/** In order, by the source's name of the table. */
export function byResource(parts: readonly StreamPart[]): Map<string, StreamPart[]> {
  const grouped = new Map<string, StreamPart[]>();
  for (const part of parts) {
    const group = grouped.get(part.resource);
    if (group === undefined) grouped.set(part.resource, [part]);
    else group.push(part);
  }
  return grouped;
}

function begunAnew(collection: string): ProblemRecord {
  return new Problem(
    'BRM-RUN-GAP',
    `${collection} has lost changes since a reset began: its table can only be followed in the next generation.`,
    { remedy: 'Let the reset go on: what it builds is whole.', at: { collection } },
  ).toJSON();
}
