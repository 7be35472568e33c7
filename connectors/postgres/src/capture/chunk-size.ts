import { PAGE_BYTES } from './table.ts';

/** A chunk costs a few milliseconds besides its rows, and is what a crash reads again. */
const TARGET_MILLISECONDS = 1_000;
/** Of decoded rows, TOASTed values included. */
const TARGET_BYTES = 48 * 1024 * 1024;
const FIRST_PAGES = (32 * 1024 * 1024) / PAGE_BYTES;
const FEWEST_PAGES = 8;
const MOST_PAGES = (128 * 1024 * 1024) / PAGE_BYTES;
/** Neighbouring chunks differ; one odd chunk must not decide the next one's size alone. */
const LARGEST_STEP = 2;

export interface ChunkMeasure {
  readonly pages: number;
  readonly bytes: number;
  readonly milliseconds: number;
}

/** How many pages the next chunk of a table should have, from what earlier ones cost. */
export class ChunkSize {
  /** What serves source and journal best. */
  pages: number;
  /** Of rows as decoded. Never taken for less than a page: behind empty pages there may be full ones. */
  #bytesPerPage: number;

  /** `bytesPerPage`: from the catalog, more than a page holds when there are TOASTed values. */
  constructor(bytesPerPage: number) {
    this.pages = clamp(Math.min(FIRST_PAGES, TARGET_BYTES / Math.max(1, bytesPerPage)));
    this.#bytesPerPage = Math.max(PAGE_BYTES, bytesPerPage);
  }

  /** For a chunk of at most so many bytes, as far as earlier ones tell; at least one page. */
  pagesFor(atMostBytes: number): number {
    return Math.max(1, Math.min(this.pages, Math.floor(atMostBytes / this.#bytesPerPage)));
  }

  measured({ pages, bytes, milliseconds }: ChunkMeasure): void {
    const found = Math.max(PAGE_BYTES, bytes / Math.max(1, pages));
    // Fuller pages count at once, emptier ones slowly: too small a chunk costs less than one that is too large.
    this.#bytesPerPage = Math.max(found, (this.#bytesPerPage + found) / 2);
    // A short piece, the last one or one that was wished small, says little about time.
    if (pages < this.pages / 4) return;
    const byTime = (pages * TARGET_MILLISECONDS) / Math.max(1, milliseconds);
    const byBytes = (pages * TARGET_BYTES) / Math.max(1, bytes);
    const wanted = Math.min(byTime, byBytes, this.pages * LARGEST_STEP);
    this.pages = clamp(Math.max(wanted, this.pages / LARGEST_STEP));
  }
}

function clamp(pages: number): number {
  return Math.max(FEWEST_PAGES, Math.min(MOST_PAGES, Math.round(pages)));
}
