import type { Action, Work } from '@brimful/connector';
import type { MaterializationBindingSpec } from '@brimful/model';
import { Problem, assert } from '@brimful/model';
import { describe, expect, test } from 'vitest';
import { CollectionWriter } from '../collection/collection-writer.ts';
import { tableGenerations } from '../collection/generations.ts';
import { ByteBudget } from '../flow/byte-budget.ts';
import type { ApplyFault } from '../testing/memory-destination.ts';
import { MemoryDatabase, memoryConnector } from '../testing/memory-destination.ts';
import { MemoryDisk } from '../testing/memory-store.ts';
import { SeededRandom } from '../testing/scheduler.ts';
import type { Change } from '../testing/table-fixture.ts';
import { DOCS, changesOf, memoryContext } from '../testing/table-fixture.ts';
import { MaterializationTask } from './materialization-task.ts';

interface Wishes {
  readonly lanes?: number;
  readonly gatherMilliseconds?: number;
  readonly budgetBytes?: number;
  readonly bindings?: readonly MaterializationBindingSpec[];
  applyFault?(works: readonly Work[]): ApplyFault;
  poison?(table: string, actions: readonly Action[]): Problem | undefined;
  turn?(): Promise<void>;
}

/** A materialization over journals that the test writes. */
class Fixture {
  readonly disk = new MemoryDisk();
  readonly target = new MemoryDatabase();
  readonly memory: ByteBudget;
  readonly task: MaterializationTask;
  readonly applied: string[][] = [];
  readonly #writers = new Map<string, CollectionWriter<number>>();
  readonly #stop = new AbortController();
  readonly #ended: Promise<void>;

  constructor(wishes: Wishes = {}) {
    this.memory = new ByteBudget(wishes.budgetBytes ?? 1_000_000);
    const connector = memoryConnector(this.target, {
      turn: wishes.turn ?? (() => Promise.resolve()),
      applyFault: (works) => {
        this.applied.push(works.map(({ table }) => table.request.id.table));
        return wishes.applyFault?.(works) ?? 'none';
      },
      poison: (table, actions) => wishes.poison?.(table, actions),
      random: new SeededRandom(1),
      lanes: wishes.lanes ?? 2,
      gatherMilliseconds: wishes.gatherMilliseconds ?? 0,
    });
    const spec = {
      name: 'copy',
      connector: 'memory',
      config: {},
      source: undefined,
      bindings: wishes.bindings ?? [],
      deletes: 'hard' as const,
      adopt: false,
    };
    this.task = new MaterializationTask(memoryContext(this.disk, { memory: this.memory }), spec, connector);
    this.#ended = this.task.run(this.#stop.signal);
  }

  async write(collection: string, ...changes: readonly Change[]): Promise<void> {
    const writer = await this.#writer(collection);
    await writer.putChanges(changesOf(DOCS, 1n, changes), 1);
    await writer.commit(0);
  }

  async complete(collection: string): Promise<void> {
    const writer = await this.#writer(collection);
    writer.putComplete(1);
    await writer.commit(0);
  }

  async until(what: string, isSo: () => boolean): Promise<void> {
    const limit = performance.now() + 10_000;
    while (!isSo()) {
      if (performance.now() > limit) throw new Error(`did not happen: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  async untilRows(table: string, count: number): Promise<void> {
    await this.until(`${count} rows in ${table}`, () => this.target.rows(table, DOCS).length === count);
  }

  /** Invariant 9: in the end all memory was given back. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error('stopped'));
    await this.#ended;
    assert(this.memory.takenBytes === 0, `${this.memory.takenBytes} bytes are still taken`);
  }

  async #writer(collection: string): Promise<CollectionWriter<number>> {
    const known = this.#writers.get(collection);
    if (known !== undefined) return known;
    const writer = await CollectionWriter.open<number>(memoryContext(this.disk), collection, 1);
    this.#writers.set(collection, writer);
    return writer;
  }
}

function insert(id: number, body = 'a'): Change {
  return { operation: 'insert', row: [id, body, null] };
}

function poisoned(table: string): Problem {
  return new Problem('BRM-SIM-VALUE', 'too large', { at: { table, key: 'id=2' } });
}

// Invariant 8
describe('one table that cannot go on', () => {
  test('a poisoned value stops its table alone, with the reason', async () => {
    await using fixture = new Fixture({
      lanes: 1,
      gatherMilliseconds: 30,
      poison: (table, actions) =>
        table === 'bad' && actions.some(({ kind }) => kind === 'merge') ? poisoned(table) : undefined,
    });
    for (const collection of ['shop/bad', 'shop/good', 'shop/fine']) {
      fixture.task.add(collection);
      await fixture.write(collection, insert(1));
      await fixture.complete(collection);
    }
    await fixture.untilRows('good', 1);
    await fixture.untilRows('fine', 1);
    await fixture.until('the poisoned table stops', () => fixture.task.failed.size === 1);
    expect(fixture.task.failed.get('shop/bad')).toMatchObject({ code: 'BRM-SIM-VALUE', at: { key: 'id=2' } });
    expect(fixture.task.state).toBe('running');
    await fixture.write('shop/good', insert(2));
    await fixture.write('shop/bad', insert(2));
    await fixture.untilRows('good', 2);
    expect(fixture.target.rows('bad', DOCS)).toEqual([]);
  });

  // Invariant 7
  test('one that stopped is there again when the connection is: not written, and what replaces it is swapped in', async () => {
    let isBad = true;
    let isLost = false;
    await using fixture = new Fixture({
      poison: (table, actions) =>
        isBad && table === 'bad' && actions.some(({ kind }) => kind === 'merge')
          ? poisoned(table)
          : undefined,
      applyFault: () => {
        const fault = isLost ? 'refused' : 'none';
        isLost = false;
        return fault;
      },
    });
    const { task, target } = fixture;
    for (const collection of ['shop/bad', 'shop/good']) {
      task.add(collection);
      await fixture.write(collection, insert(1));
      await fixture.complete(collection);
    }
    await fixture.untilRows('good', 1);
    await fixture.until('the poisoned table stops', () => task.failed.size === 1);
    const stopped = task.feeds.get('shop/bad');
    isBad = false;
    isLost = true;
    await fixture.write('shop/good', insert(2));
    await fixture.untilRows('good', 2);
    const reopened = (): boolean => ![undefined, stopped].includes(task.feeds.get('shop/bad'));
    await fixture.until('the next session', reopened);
    expect(task.problemOf('shop/bad', 1)).toMatchObject({ code: 'BRM-SIM-VALUE' });
    await fixture.write('shop/bad', insert(2));
    const { registry } = memoryContext(fixture.disk).store;
    const next = { generation: 2, collectionGeneration: 1 };
    await tableGenerations(registry, 'copy', 'bad').change((now) => ({ ...now, next, latest: 2 }));
    task.addEdition('shop/bad', next);
    const isBuilt = (): boolean => task.edition('shop/bad', 2)?.applied.offset === 4;
    await fixture.until(
      'the next generation',
      () => task.edition('shop/bad', 2)?.phase === 'live' && isBuilt(),
    );
    expect(target.rows('bad', DOCS)).toEqual([]);
    await task.swap([{ collection: 'shop/bad', to: 2 }], new AbortController().signal);
    await fixture.untilRows('bad', 2);
    expect(task.failed.size).toBe(0);
    // The way back is open, though nothing that stopped goes on by itself.
    expect(task.problemOf('shop/bad', 1)).toMatchObject({ code: 'BRM-SIM-VALUE' });
  });

  test('changes that do not fit the table stop it alone', async () => {
    await using fixture = new Fixture();
    fixture.task.add('shop/docs');
    fixture.task.add('shop/other');
    await fixture.write('shop/docs', insert(1));
    await fixture.complete('shop/docs');
    await fixture.untilRows('docs', 1);
    const [id, ...others] = DOCS.columns;
    const incompatible = {
      ...DOCS,
      columns: [{ ...(id as (typeof DOCS.columns)[number]), type: { kind: 'uuid' as const } }, ...others],
    };
    const writer = await CollectionWriter.open<number>(memoryContext(fixture.disk), 'shop/docs', 1);
    // Both in one append, so that one fold has to bring them together.
    await writer.putSchema(incompatible);
    await writer.putChanges(changesOf(DOCS, 2n, [insert(2)]), 1);
    await writer.commit(0);
    await fixture.until('the table stops', () => fixture.task.failed.has('shop/docs'));
    expect(fixture.task.failed.get('shop/docs')?.code).toBe('BRM-SCHEMA-INCOMPATIBLE');
    await fixture.write('shop/other', insert(1));
    await fixture.complete('shop/other');
    await fixture.untilRows('other', 1);
  });

  test('two collections for one table: the second is refused, the first goes on', async () => {
    await using fixture = new Fixture();
    fixture.task.add('shop/docs');
    await fixture.write('shop/docs', insert(1));
    await fixture.complete('shop/docs');
    await fixture.untilRows('docs', 1);
    fixture.task.add('store/docs');
    await fixture.write('store/docs', insert(7));
    await fixture.until('the refusal', () => fixture.task.failed.size === 1);
    expect(fixture.task.failed.get('store/docs')?.code).toBe('BRM-TABLE-TWICE');
    await fixture.write('shop/docs', insert(2));
    await fixture.untilRows('docs', 2);
  });
});

describe('a destination that is down', () => {
  // Invariant 2
  test.each(['refused', 'lost'] as const)('is tried again (%s), and nothing is in twice', async (fault) => {
    let left = 2;
    await using fixture = new Fixture({
      applyFault: () => {
        left -= 1;
        return left >= 0 ? fault : 'none';
      },
    });
    fixture.task.add('shop/docs');
    await fixture.write('shop/docs', insert(1), insert(2));
    await fixture.complete('shop/docs');
    await fixture.untilRows('docs', 2);
    expect(left).toBeLessThan(0);
  });

  test('a loss while shared work is done table by table gives all memory back', async () => {
    let works = 0;
    await using fixture = new Fixture({
      lanes: 1,
      gatherMilliseconds: 50,
      poison: (table) => {
        works += 1;
        if (works > 60) return undefined;
        return table === 'c'
          ? new Problem('BRM-SIM-DOWN', 'down', { kind: works % 2 === 0 ? 'retry' : 'operator' })
          : undefined;
      },
    });
    for (const name of ['a', 'b', 'c', 'd']) {
      fixture.task.add(`shop/${name}`);
      await fixture.write(`shop/${name}`, insert(1));
    }
    await fixture.until('work was tried', () => works > 8);
  });
});

describe('work', () => {
  test('lanes never write one table twice at once, and all of it arrives', async () => {
    await using fixture = new Fixture({
      lanes: 4,
      turn: () => new Promise((resolve) => setTimeout(resolve, Math.random() * 3)),
    });
    const names = ['a', 'b', 'c'];
    for (const name of names) fixture.task.add(`shop/${name}`);
    for (let id = 0; id < 20; id += 1)
      for (const name of names) await fixture.write(`shop/${name}`, insert(id));
    for (const name of names) await fixture.complete(`shop/${name}`);
    for (const name of names) await fixture.untilRows(name, 20);
  });

  test('is gathered for as long as the destination wants', async () => {
    await using fixture = new Fixture({ lanes: 1, gatherMilliseconds: 80 });
    fixture.task.add('shop/docs');
    await fixture.complete('shop/docs');
    await fixture.write('shop/docs', insert(0));
    await fixture.untilRows('docs', 1);
    const before = fixture.applied.length;
    const start = performance.now();
    for (let id = 1; id <= 30; id += 1) await fixture.write('shop/docs', insert(id));
    await fixture.untilRows('docs', 31);
    const took = performance.now() - start;
    expect(took).toBeGreaterThan(60);
    expect(fixture.applied.length - before).toBeLessThanOrEqual(2 + took / 80);
  });

  // Invariant 9
  test('goes through a memory budget that is smaller than one entry', async () => {
    await using fixture = new Fixture({ budgetBytes: 500 });
    for (const name of ['a', 'b', 'c']) {
      fixture.task.add(`shop/${name}`);
      for (let id = 0; id < 5; id += 1) await fixture.write(`shop/${name}`, insert(id, 'x'.repeat(5000)));
      await fixture.complete(`shop/${name}`);
    }
    for (const name of ['a', 'b', 'c']) await fixture.untilRows(name, 5);
  });

  test('of a table that an earlier run made and never wrote to brings its shape', async () => {
    await using fixture = new Fixture();
    const older = { ...DOCS, columns: DOCS.columns.slice(0, 2) };
    const made = memoryConnector(fixture.target, {
      turn: () => Promise.resolve(),
      applyFault: () => 'none',
      poison: () => undefined,
      random: new SeededRandom(1),
      lanes: 1,
      gatherMilliseconds: 0,
    });
    await using earlier = await made.open({}, memoryContext(fixture.disk));
    const id = { materialization: 'copy', table: 'docs', generation: 1 };
    await earlier.open({ id, collection: 'shop/docs', schema: older, deletes: 'hard', adopt: false });
    fixture.task.add('shop/docs');
    await fixture.write('shop/docs', { operation: 'insert', row: [1, 'a', 'b'] });
    await fixture.complete('shop/docs');
    await fixture.untilRows('docs', 1);
    expect(fixture.target.rows('docs', DOCS)).toEqual(['[1,"a","b"]']);
  });
});
