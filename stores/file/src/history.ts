import type { JournalId, Offset } from '@brimful/store';
import type { HistoryPage, ReaderCalls } from './calls.ts';
import { HISTORY_BUDGET_BYTES, HISTORY_PAGE_BYTES, HISTORY_PAGE_MINIMUM_BYTES } from './limits.ts';
import type { ThreadClient } from './thread-client.ts';

/** A page in a reader's hands. */
export interface HeldPage {
  readonly page: HistoryPage;
  /** Call once, when its entries are consumed. */
  release(): void;
}

/**
 * Pages of history under one budget for all readers. Pages shrink when many are held; a reader never waits for
 * another one's page, because the other may be waiting for this very reader. (Invariant 9)
 */
export class History {
  readonly #thread: ThreadClient<ReaderCalls>;
  #heldBytes = 0;

  constructor(thread: ThreadClient<ReaderCalls>) {
    this.#thread = thread;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  async page(name: JournalId, from: Offset): Promise<HeldPage | undefined> {
    const left = HISTORY_BUDGET_BYTES - this.#heldBytes;
    const bytes = Math.max(HISTORY_PAGE_MINIMUM_BYTES, Math.min(HISTORY_PAGE_BYTES, Math.floor(left / 4)));
    // Reserved while it is read, so that readers starting together share the budget.
    this.#heldBytes += bytes;
    let page: HistoryPage | null;
    try {
      page = await this.#thread.call('page', { name, from, bytes });
    } finally {
      this.#heldBytes -= bytes;
    }
    if (page === null) return undefined;
    const held = page.entries.reduce((sum, entry) => sum + (entry.body?.byteLength ?? 0), 0);
    this.#heldBytes += held;
    return { page, release: () => void (this.#heldBytes -= held) };
  }
}
