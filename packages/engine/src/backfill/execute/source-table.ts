import { Problem } from '@brimful/model';
import { hasLostChanges } from '../../capture/lost-changes.ts';
import { removeBases } from '../../collection/base.ts';
import { collectionGenerations } from '../../collection/generations.ts';
import { journalId } from '../../collection/journal-id.ts';
import type { CapturedResource } from '../../capture/captured-resource.ts';
import type { CapturedTable } from '../../capture/captured-table.ts';
import type { CaptureTask } from '../../capture/capture-task.ts';
import type { RunMeans } from './means.ts';

/** A collection of a run at its source: the generations of its journal. */
export class SourceTable {
  readonly collection: string;
  readonly #means: RunMeans;
  readonly #task: string;

  /** `task`: the capture it is of. */
  constructor(means: RunMeans, collection: string, task: string) {
    this.#means = means;
    this.#task = task;
    this.collection = collection;
  }

  /** Notes the next generation and has it read, if it is not yet. Idempotent. Throws a `retry` problem while the source is away. */
  async addGeneration(generation: number, carriesOver: boolean): Promise<void> {
    const record = collectionGenerations(this.#means.context.store.registry, this.collection);
    const now = await record.change((known) =>
      known.next === generation || known.current === generation
        ? known
        : { ...known, next: generation, latest: Math.max(known.latest, generation) },
    );
    if (now.current !== generation)
      await this.capture.addGeneration(this.collection, generation, carriesOver);
  }

  table(generation: number | null): CapturedTable {
    const resource = this.#resource;
    const table = generation === null ? resource?.current : resource?.generation(generation);
    if (table !== undefined) return table;
    throw new Problem('BRM-CAPTURE-AWAY', `${this.collection} is not connected to its source`, {
      kind: 'retry',
    });
  }

  /** Readers of the collection have this generation from now on; the other one is kept. Idempotent. */
  async adopt(generation: number): Promise<void> {
    const record = collectionGenerations(this.#means.context.store.registry, this.collection);
    await record.change((now) =>
      now.current === generation
        ? now
        : {
            ...now,
            current: generation,
            previous: now.current,
            next: now.next === generation ? null : now.next,
          },
    );
    await this.#resource?.adopt(generation);
  }

  get capture(): CaptureTask {
    const capture = this.#means.captures.find((task) => task.captured(this.collection) !== undefined);
    if (capture !== undefined) return capture;
    throw new Problem('BRM-CAPTURE-AWAY', `${this.collection} is not connected to its source`, {
      kind: 'retry',
    });
  }

  /** Removes a generation, unless it is the one that readers have. Idempotent. Throws as above. */
  async drop(generation: number): Promise<void> {
    const { store } = this.#means.context;
    const record = collectionGenerations(store.registry, this.collection);
    const { current } = await record.read();
    if (generation === current) return;
    // First of all: no session that begins meanwhile opens it again.
    await record.change((now) =>
      now.next !== generation && now.previous !== generation
        ? now
        : {
            ...now,
            next: now.next === generation ? null : now.next,
            previous: now.previous === generation ? null : now.previous,
          },
    );
    // Throws while the source is away: a session that is being opened may have it still. One that is opened later has not.
    if (!this.isLost) await this.capture.captured(this.collection)?.detach(generation);
    await removeBases(store, this.collection, generation);
    await store.journals.drop(journalId(this.collection, generation));
    await store.registry.remove(`schemas/${this.collection}/${generation}`);
  }

  /** No session is open, and none will be before everything that it would read is cut off. */
  get isLost(): boolean {
    const capture = this.#means.captures.find(({ spec }) => spec.name === this.#task);
    return capture?.state === 'failed' && hasLostChanges(capture.problem);
  }

  get #resource(): CapturedResource | undefined {
    for (const task of this.#means.captures) {
      const resource = task.captured(this.collection);
      if (resource !== undefined) return resource;
    }
    return undefined;
  }
}
