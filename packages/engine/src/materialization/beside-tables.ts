import type { ProblemRecord } from '@brimful/model';
import type { TableFeed } from './table-feed.ts';

/** Generations of tables that readers do not see, by collection and number: being opened, followed, or stopped. */
export class BesideTables {
  readonly #feeds = new Map<string, TableFeed | undefined>();
  readonly #problems = new Map<string, ProblemRecord>();

  /** Takes the place of one that is going to be opened; false when it is taken. */
  begin(collection: string, generation: number): boolean {
    const key = keyOf(collection, generation);
    if (this.#feeds.has(key)) return false;
    this.#feeds.set(key, undefined);
    return true;
  }

  set(collection: string, generation: number, feed: TableFeed): void {
    this.#feeds.set(keyOf(collection, generation), feed);
  }

  get(collection: string, generation: number): TableFeed | undefined {
    return this.#feeds.get(keyOf(collection, generation));
  }

  /** Whether it is open, or being opened. */
  has(collection: string, generation: number): boolean {
    return this.#feeds.has(keyOf(collection, generation));
  }

  *feeds(): Iterable<TableFeed> {
    for (const feed of this.#feeds.values()) if (feed !== undefined) yield feed;
  }

  /** One that readers see after all: an exchange was made and not noted. */
  live(collection: string): TableFeed | undefined {
    for (const feed of this.feeds())
      if (feed.collection === collection && feed.handle.place === 'live') return feed;
    return undefined;
  }

  fail(collection: string, generation: number, problem: ProblemRecord): void {
    this.#problems.set(keyOf(collection, generation), problem);
  }

  problem(collection: string, generation: number): ProblemRecord | undefined {
    return this.#problems.get(keyOf(collection, generation));
  }

  /** Also forgets why it had stopped: it may be built again. */
  delete(collection: string, generation: number): void {
    this.#feeds.delete(keyOf(collection, generation));
    this.#problems.delete(keyOf(collection, generation));
  }

  /** `next` is what readers see from now on, and `live` is kept here: each with why it had stopped. `failed`: of what readers see. */
  exchange(live: TableFeed, next: TableFeed, failed: Map<string, ProblemRecord>): void {
    const { collection } = live;
    const before = failed.get(collection);
    const now = this.problem(collection, next.handle.request.id.generation);
    this.delete(collection, next.handle.request.id.generation);
    this.set(collection, live.handle.request.id.generation, live);
    if (before !== undefined) this.fail(collection, live.handle.request.id.generation, before);
    if (now === undefined) failed.delete(collection);
    else failed.set(collection, now);
  }

  /** A session has ended. What has failed stays failed. */
  clear(): void {
    this.#feeds.clear();
  }
}

function keyOf(collection: string, generation: number): string {
  return `${collection} ${generation}`;
}
