import type { ProblemRecord, Publication, PublicationState, PublicationSummary } from '@brimful/model';
import { Problem } from '@brimful/model';
import type { Registry } from '@brimful/store';

const PUBLICATIONS = 'publications/';
/** Older ones are forgotten: each has two whole texts, and the registry is kept in memory. */
const KEPT_LIMIT = 200;

/**
 * The durable history of the catalog, in the store's registry. The file is what counts: a record says what became of it, and
 * is entered before the file is written, so that an interrupted change can be told from a finished one.
 */
export class PublicationBook {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** The newest first. */
  async all(): Promise<readonly Publication[]> {
    const records = await this.#registry.list<Publication>(PUBLICATIONS);
    return records.map(({ value }) => value).sort((a, b) => b.number - a.number);
  }

  async list(): Promise<readonly PublicationSummary[]> {
    return (await this.all()).map(summaryOf);
  }

  /** Throws `BRM-PUBLICATION-UNKNOWN`. */
  async find(number: number): Promise<Publication> {
    const record = await this.#registry.get<Publication>(keyOf(number));
    if (record !== undefined) return record.value;
    throw new Problem('BRM-PUBLICATION-UNKNOWN', `There is no publication ${number}.`, {
      remedy: `See \`brimful publications list\`; the newest ${KEPT_LIMIT} are kept.`,
      at: { publication: number },
    });
  }

  /** The newest that took effect. */
  async applied(): Promise<Publication | undefined> {
    return (await this.all()).find(({ state }) => state === 'applied');
  }

  /**
   * Enters a publication as the next one. Of two that come at once one gets `BRM-CATALOG-CHANGED`, and so does one that was
   * made while another is on its way.
   */
  async enter(make: (number: number) => Publication): Promise<Publication> {
    const [newest, ...older] = await this.all();
    if (newest?.state === 'applying') throw overtaken(newest.number);
    const publication = make((newest?.number ?? 0) + 1);
    try {
      await this.#registry.put(keyOf(publication.number), publication, 0);
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.code === 'BRM-STORE-CONFLICT')
        throw overtaken(publication.number);
      throw thrown;
    }
    for (const { number } of older.slice(KEPT_LIMIT - 2)) await this.#registry.remove(keyOf(number));
    return publication;
  }

  /** Says what became of one that was on its way. */
  async settle(
    number: number,
    state: PublicationState,
    problem: ProblemRecord | null = null,
  ): Promise<Publication> {
    const settled = { ...(await this.find(number)), state, problem };
    await this.#registry.put(keyOf(number), settled);
    return settled;
  }
}

function summaryOf(publication: Publication): PublicationSummary {
  const { before: _before, after: _after, changes: _changes, diff: _diff, ...summary } = publication;
  return summary;
}

function keyOf(number: number): string {
  return PUBLICATIONS + String(number).padStart(6, '0');
}

function overtaken(number: number): Problem {
  return new Problem('BRM-CATALOG-CHANGED', `Publication ${number} came in between.`, {
    remedy: 'Plan again, and look at what that changes.',
    at: { publication: number },
  });
}
