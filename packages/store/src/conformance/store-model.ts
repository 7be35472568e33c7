import fc from 'fast-check';
import { describe, test } from 'vitest';
import { toProblem } from '@brimful/model';
import type { NewEntry, Writer } from '../journals.ts';
import type { Store } from '../store.ts';
import { codeOf, expectSame, type MakeStore, META, pattern, type StoreHarness, takeAll } from './harness.ts';

/** The whole contract of journals and registry, as the few lines it would be if memory were durable. */
interface ModelJournal {
  life: number;
  epoch: number;
  first: number;
  checkpoint: unknown;
  readonly entries: { readonly body: Uint8Array; readonly blob?: string }[];
}

interface OpenWriter {
  readonly real: Writer<unknown>;
  readonly life: number;
  readonly epoch: number;
}

type Step =
  | { readonly do: 'open'; readonly journal: string }
  | {
      readonly do: 'append';
      readonly journal: string;
      readonly age: number;
      readonly sizes: readonly number[];
      readonly withBlob: boolean;
    }
  | { readonly do: 'trim'; readonly journal: string; readonly share: number }
  | { readonly do: 'drop'; readonly journal: string }
  | { readonly do: 'put'; readonly key: string; readonly isStale: boolean }
  | { readonly do: 'remove'; readonly key: string }
  | { readonly do: 'reopen' };

const journal = fc.constantFrom('a', 'b', 'b/1');
const key = fc.constantFrom('k', 'k/1');
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('open' as const), journal }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      journal,
      /** 0: the youngest writer, 1: the one before, which is fenced. */
      age: fc.constantFrom(0, 0, 0, 1),
      sizes: fc.array(fc.constantFrom(0, 1, 100, 20_000), { maxLength: 4 }),
      withBlob: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('trim' as const),
      journal,
      share: fc.double({ min: 0, max: 1.2, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('drop' as const), journal }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('put' as const), key, isStale: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), key }) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
);

class Comparison {
  readonly #harness: StoreHarness;
  readonly #journals = new Map<string, ModelJournal>();
  readonly #records = new Map<string, { value: number; revision: number }>();
  readonly #writers = new Map<string, OpenWriter[]>();
  #store: Store;
  #lives = 0;
  #count = 0;

  constructor(harness: StoreHarness, store: Store) {
    this.#harness = harness;
    this.#store = store;
  }

  async take(step: Step): Promise<void> {
    this.#count += 1;
    switch (step.do) {
      case 'open':
        return this.#open(step.journal);
      case 'append':
        return this.#append(step);
      case 'trim': {
        const model = this.#journals.get(step.journal);
        const before = Math.floor((model?.entries.length ?? 0) * step.share);
        await this.#store.journals.trim(step.journal, before);
        if (model !== undefined) model.first = Math.max(model.first, Math.min(before, model.entries.length));
        return undefined;
      }
      case 'drop':
        await this.#store.journals.drop(step.journal);
        this.#journals.delete(step.journal);
        return undefined;
      case 'put':
        return this.#put(step.key, step.isStale);
      case 'remove':
        await this.#store.registry.remove(step.key);
        this.#records.delete(step.key);
        return undefined;
      case 'reopen':
        await this.#store[Symbol.asyncDispose]();
        this.#store = await this.#harness.open();
        this.#writers.clear();
        return undefined;
    }
  }

  async #open(id: string): Promise<void> {
    const real = await this.#store.journals.open(id);
    let model = this.#journals.get(id);
    if (model === undefined) {
      this.#lives += 1;
      model = { life: this.#lives, epoch: 0, first: 0, checkpoint: undefined, entries: [] };
      this.#journals.set(id, model);
    }
    model.epoch += 1;
    expectSame(real.head.checkpoint, model.checkpoint);
    expectSame(real.head.next, model.entries.length);
    this.#writers.set(id, [{ real, life: model.life, epoch: model.epoch }, ...(this.#writers.get(id) ?? [])]);
  }

  async #append({ journal: id, age, sizes, withBlob }: Extract<Step, { do: 'append' }>): Promise<void> {
    const writer = this.#writers.get(id)?.[age];
    if (writer === undefined) return;
    const model = this.#journals.get(id);
    const added: ModelJournal['entries'] = sizes.map((size, index) => ({
      body: pattern(size, this.#count * 10 + index),
    }));
    const entries: NewEntry[] = added.map(({ body }) => ({ kind: 'rows', meta: META, body }));
    if (withBlob) {
      const name = `blob/${this.#count}`;
      const { bytes } = await this.#store.blobs.put(name, [pattern(64, this.#count)]);
      entries.push({ kind: 'rows', meta: META, body: pattern(1, 0), blob: { name, bytes } });
      added.push({ body: pattern(1, 0), blob: name });
    }
    const checkpoint = { step: this.#count };
    const failure = await writer.real.append(entries, checkpoint).then(() => undefined, toProblem);
    const isYoungest = model !== undefined && model.life === writer.life && model.epoch === writer.epoch;
    expectSame(failure?.code, isYoungest ? undefined : 'BRM-STORE-FENCED');
    if (!isYoungest) return;
    model.entries.push(...added);
    model.checkpoint = checkpoint;
  }

  async #put(id: string, isStale: boolean): Promise<void> {
    const known = this.#records.get(id)?.revision ?? 0;
    const put = this.#store.registry.put(id, this.#count, isStale ? known + 1_000 : known);
    if (isStale) return expectSame(await codeOf(put), 'BRM-STORE-CONFLICT');
    const revision = await put;
    expectSame(revision > known, true);
    this.#records.set(id, { value: this.#count, revision });
  }

  async compare(): Promise<void> {
    expectSame(await this.#store.journals.list(''), [...this.#journals.keys()].sort());
    const claimed: string[] = [];
    for (const [id, model] of this.#journals) {
      const left = model.entries.slice(model.first);
      claimed.push(...left.flatMap(({ blob }) => blob ?? []));
      const state = await this.#store.journals.state(id);
      expectSame([state?.first, state?.next], [model.first, model.entries.length]);
      const found = await takeAll(this.#store, id);
      expectSame(
        found.map(({ body, blob }) => [body, blob?.name]),
        left.map(({ body, blob }) => [body, blob]),
      );
    }
    const blobs = await this.#store.blobs.list('');
    expectSame(
      claimed.filter((name) => !blobs.includes(name)),
      [],
    );
    const records = [...this.#records].map(([id, record]) => ({ key: id, ...record }));
    expectSame(
      await this.#store.registry.list(''),
      records.sort((a, b) => (a.key < b.key ? -1 : 1)),
    );
  }

  async close(): Promise<void> {
    await this.#store[Symbol.asyncDispose]();
  }
}

const SEED = Number(process.env['BRIMFUL_SEED'] ?? Date.now() % 1_000_000);
const RUNS = Number(process.env['BRIMFUL_RUNS'] ?? 15);
const RUN_LIMIT_MS = 10_000;

export function describeAgainstModel(makeStore: MakeStore): void {
  describe('any sequence of operations', () => {
    test(
      'is as in memory (BRIMFUL_SEED repeats it)',
      { timeout: RUNS * RUN_LIMIT_MS },
      async ({ annotate }) => {
        await annotate(`seed ${SEED}`);
        const property = fc.asyncProperty(fc.array(anyStep, { maxLength: 40 }), async (steps) => {
          const harness = await makeStore();
          const comparison = new Comparison(harness, await harness.open());
          try {
            for (const step of steps) await comparison.take(step);
            await comparison.compare();
          } finally {
            await comparison.close();
            await harness.destroy();
          }
        });
        await fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
      },
    );
  });
}
