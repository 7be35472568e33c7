import type { Logger } from '@brimful/connector';
import type { CatalogApproval, CatalogCalls, CatalogContent, CatalogDraft } from '@brimful/control';
import { NO_CONTENT, PublicationBook, heldByRuns, specDiff, textDiff, unifiedLines } from '@brimful/control';
import type {
  Catalog,
  CatalogChange,
  Publication,
  PublicationOrigin,
  PublicationPlan,
  PublicationSummary,
  Run,
  Spec,
} from '@brimful/model';
import { Problem, toProblem } from '@brimful/model';
import type { Store } from '@brimful/store';
import type { LoadedConfig } from '../config/load.ts';
import type { ConnectorRegistry } from '../connectors.ts';
import { contentOf } from './catalog-content.ts';
import type { Looked } from './catalog-facts.ts';
import { lookAround } from './catalog-facts.ts';
import type { CatalogText } from './catalog-file.ts';
import { readCatalog, revisionOf, writeCatalog } from './catalog-file.ts';
import { maskedText, restoredText } from './masked-text.ts';
import { catalogProblems, planFrom } from './plan-publication.ts';

/** Plans are kept in memory, so that nothing that was typed is at rest twice; older ones are forgotten. */
const PLANS_LIMIT = 50;
/** Lines of a difference in a message. */
const MESSAGE_LINES = 40;

export interface PublisherOptions {
  /** Of the user's file. */
  readonly path: string;
  readonly store: Store;
  readonly connectors: ConnectorRegistry;
  /** A text as a configuration. Throws what is wrong with it. */
  readonly load: (text: string) => Promise<LoadedConfig>;
  readonly log: Logger;
  readonly now: () => number;
  /** What runs here; undefined: nothing does, and the next `brimful up` follows. */
  readonly running?: LoadedConfig | undefined;
  /** Lets what runs follow. Rejects when that did not start: then what was before runs again. */
  readonly follow?: (config: LoadedConfig, publication: number) => Promise<void>;
  /** Called between steps: tests end it there. */
  readonly reach?: (point: string) => void;
}

interface Planned {
  readonly plan: PublicationPlan;
  readonly next: CatalogText;
  readonly baseText: string;
  readonly loaded: LoadedConfig | undefined;
}

/**
 * Changes the catalog. The file is what counts, and is replaced as a whole; the record is entered before and settled after, so
 * whatever was interrupted is settled by `begin`, by what the file says. One change at a time: whoever planned on another text,
 * or comes second, is refused.
 */
export class Publisher implements CatalogCalls {
  readonly #options: PublisherOptions;
  readonly #book: PublicationBook;
  readonly #plans = new Map<string, Planned>();
  #running: LoadedConfig | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#book = new PublicationBook(options.store.registry);
    this.#running = options.running;
  }

  /**
   * Settles a change that was interrupted, by what the file said when this start read it; and enters the file as a publication
   * when it is not what was applied last. Call it when what the file says has started. Returns what it entered.
   */
  async begin(who: string): Promise<Publication | undefined> {
    const config = this.#running;
    if (config === undefined) return undefined;
    const revision = revisionOf(config.text);
    const [newest] = await this.#book.all();
    if (newest?.state === 'applying')
      await this.#book.settle(newest.number, newest.revision === revision ? 'applied' : 'abandoned');
    const applied = await this.#book.applied();
    if (applied?.revision === revision) return undefined;
    const before = await this.#contentOfApplied(applied, config.text);
    const nothing: Looked['facts'] = { sources: new Map(), captured: new Set(), slots: new Map() };
    const changes = specDiff(before, contentOf(config), nothing);
    const why = applied === undefined ? 'the first start' : 'started with a changed file';
    return this.#book.enter((number) =>
      publicationOf(number, 'applied', {
        who,
        why,
        origin: 'file',
        at: this.#options.now(),
        applied,
        after: { text: config.text, revision },
        changes,
      }),
    );
  }

  async read(): Promise<Catalog> {
    const [disk, applied] = await Promise.all([readCatalog(this.#options.path), this.#book.applied()]);
    const appliedRevision = applied?.revision ?? null;
    const spec = this.#running?.spec ?? (await this.#loadedOrNothing(disk.text));
    return {
      path: this.#options.path,
      revision: disk.revision,
      text: maskedText(disk.text),
      appliedRevision,
      changedOnDisk: appliedRevision !== null && appliedRevision !== disk.revision,
      publication: applied?.number ?? null,
      captures: spec.captures.map(({ name, connector, bindings, autoDiscover }) => ({
        name,
        connector,
        bindings: bindings.length,
        followsAll: autoDiscover !== undefined,
      })),
      materializations: spec.materializations.map(({ name, connector, bindings, source }) => ({
        name,
        connector,
        bindings: bindings.length,
        followsAll: source !== undefined,
      })),
    };
  }

  async plan(draft: CatalogDraft): Promise<PublicationPlan> {
    const disk = await readCatalog(this.#options.path);
    const restored = restoredText(draft.text, disk.text);
    if (restored.ok) return this.#plan(disk, restored.text, draft, []);
    return this.#keep(disk, draft.text, undefined, {
      ...(await this.#parts(disk, draft.text, draft, [])),
      problems: restored.problems,
    });
  }

  async findPlan(id: string): Promise<PublicationPlan> {
    return this.#planned(id).plan;
  }

  /** One after the other: a second one finds the file changed. */
  apply(planId: string, approval: CatalogApproval): Promise<Publication> {
    const applied = this.#turn.then(() => this.#apply(this.#planned(planId), approval));
    this.#turn = applied.catch(() => undefined);
    return applied;
  }

  list(): Promise<readonly PublicationSummary[]> {
    return this.#book.list();
  }

  find(number: number): Promise<Publication> {
    return this.#book.find(number);
  }

  async planRevert(number: number, draft: Omit<CatalogDraft, 'text' | 'base'>): Promise<PublicationPlan> {
    const { before } = await this.#book.find(number);
    if (before === null) {
      throw new Problem('BRM-CATALOG-FIRST', `There was nothing before publication ${number}.`, {
        at: { publication: number },
      });
    }
    const disk = await readCatalog(this.#options.path);
    const later = (await this.#book.all()).filter((one) => one.number > number && one.state === 'applied');
    const warnings =
      later.length === 0
        ? []
        : [
            `What came after it is undone, too: ${later.map((one) => `publication ${one.number}`).join(', ')}.`,
          ];
    const reason = draft.reason === '' ? `revert of publication ${number}` : draft.reason;
    const restored = restoredText(before, disk.text);
    const asked = { ...draft, reason, text: before };
    if (restored.ok) return this.#plan(disk, restored.text, asked, warnings);
    return this.#keep(disk, before, undefined, {
      ...(await this.#parts(disk, before, asked, warnings)),
      problems: restored.problems,
    });
  }

  async #plan(
    disk: CatalogText,
    text: string,
    draft: CatalogDraft,
    warnings: readonly string[],
  ): Promise<PublicationPlan> {
    const parts = await this.#parts(disk, text, draft, warnings);
    let loaded: LoadedConfig;
    try {
      loaded = await this.#options.load(text);
    } catch (thrown) {
      return this.#keep(disk, text, undefined, { ...parts, problems: catalogProblems(thrown) });
    }
    const { store, connectors } = this.#options;
    const looked = await lookAround(parts.before.spec, loaded.spec, {
      store,
      connectors,
      connects: !draft.unchecked,
    });
    const redact = (shown: string): string => loaded.redact(parts.redact(shown));
    return this.#keep(disk, text, loaded, { ...parts, loaded, looked, redact });
  }

  async #parts(
    disk: CatalogText,
    text: string,
    { author, reason, base }: CatalogDraft,
    warnings: readonly string[],
  ): Promise<Parameters<typeof planFrom>[0]> {
    const { store, now } = this.#options;
    const applied = await this.#book.applied();
    const runs = await store.registry.list<Run>('runs/');
    const isChanged = applied !== undefined && applied.revision !== disk.revision;
    const isOther = base !== undefined && base !== disk.revision;
    const masks = (written: string): number => maskedText(written).split('***').length;
    return {
      author,
      reason,
      disk,
      applied: applied === undefined ? undefined : { text: applied.after, revision: applied.revision },
      next: { text, revision: revisionOf(text) },
      before:
        this.#running === undefined
          ? await this.#contentOfApplied(applied, disk.text)
          : contentOf(this.#running),
      loaded: undefined,
      problems: [],
      looked: undefined,
      runs: runs.map(({ value }) => value),
      runningDirectory: this.#running?.dataDirectory,
      warnings: [
        ...warnings,
        ...(isOther ? ['The file was edited since you opened it: see the difference.'] : []),
        ...(isChanged && revisionOf(text) !== disk.revision
          ? ['The file was edited since it was applied last; those edits are not running yet.']
          : []),
        ...(masks(text) > masks(disk.text)
          ? [
              'A secret stands in the text. Better write a reference such as ${SHOP_PASSWORD}, and set that variable.',
            ]
          : []),
      ],
      redact: this.#running?.redact ?? ((shown) => shown),
      now: now(),
    };
  }

  #keep(
    disk: CatalogText,
    text: string,
    loaded: LoadedConfig | undefined,
    parts: Parameters<typeof planFrom>[0],
  ): PublicationPlan {
    const plan = planFrom(parts);
    const next = { text, revision: plan.revision };
    this.#plans.set(plan.id, { plan, next, baseText: disk.text, loaded });
    for (const id of [...this.#plans.keys()].slice(0, -PLANS_LIMIT)) this.#plans.delete(id);
    return plan;
  }

  async #apply(planned: Planned, { who, origin }: CatalogApproval): Promise<Publication> {
    const { plan, next } = planned;
    const config = await this.#checked(planned);
    const applied = await this.#book.applied();
    const publication = await this.#book.enter((number) =>
      publicationOf(number, 'applying', {
        who,
        why: plan.reason,
        origin,
        at: this.#options.now(),
        applied,
        after: next,
        changes: plan.changes,
      }),
    );
    this.#options.reach?.('catalog.entered');
    const { number } = publication;
    try {
      // Somebody may have written it between our look and the record.
      const { text, revision } = await readCatalog(this.#options.path);
      if (revision !== plan.base) throw changedSince(planned.baseText, text, { plan: plan.id });
      if (next.revision !== plan.base) await writeCatalog(this.#options.path, next.text);
    } catch (thrown) {
      await this.#book.settle(number, 'refused', toProblem(thrown).toJSON());
      throw thrown;
    }
    this.#options.reach?.('catalog.written');
    await this.#follow(planned, config, number);
    this.#plans.delete(plan.id);
    return this.#book.settle(number, 'applied');
  }

  /** What runs follows, or the file is put back and all is as it was. */
  async #follow({ plan, next, baseText }: Planned, config: LoadedConfig, number: number): Promise<void> {
    const { follow, path, log } = this.#options;
    if (follow === undefined) return;
    try {
      if (plan.changes.some(({ consequence }) => consequence !== 'server restart'))
        await follow(config, number);
      this.#running = config;
    } catch (thrown) {
      const cause = toProblem(thrown);
      const problem = new Problem(
        'BRM-CATALOG-REFUSED',
        `It did not start, and all is as it was: ${config.redact(cause.message)}`,
        {
          kind: cause.kind,
          cause,
          ...(cause.remedy === undefined ? {} : { remedy: config.redact(cause.remedy) }),
        },
      );
      const now = await readCatalog(path).catch(() => undefined);
      if (now?.revision === next.revision && next.revision !== plan.base) await writeCatalog(path, baseText);
      await this.#book.settle(number, 'refused', problem.toJSON());
      log.warn({ publication: number, problem: problem.toJSON() }, 'A publication was refused');
      throw problem;
    }
  }

  /** Throws what stands in the way at this moment. */
  async #checked({ plan, loaded, baseText }: Planned): Promise<LoadedConfig> {
    const at = { plan: plan.id };
    if (this.#options.now() >= plan.expiresAt) throw forgotten(plan.id);
    const [problem] = plan.problems;
    if (loaded === undefined || problem !== undefined) {
      throw invalid(plan);
    }
    const disk = await readCatalog(this.#options.path);
    if (disk.revision !== plan.base) throw changedSince(baseText, disk.text, at);
    const runs = await this.#options.store.registry.list<Run>('runs/');
    const held = heldByRuns(
      runs.map(({ value }) => value),
      loaded.spec,
    );
    const blocked = [...new Set([...plan.blocked, ...held])];
    if (blocked.length === 0) return loaded;
    throw new Problem('BRM-CATALOG-BLOCKED', blocked.join(' '), {
      remedy: 'Mend that, and plan again.',
      at,
    });
  }

  #planned(id: string): Planned {
    const planned = this.#plans.get(id);
    if (planned === undefined) throw forgotten(id);
    return planned;
  }

  /** What was applied last, as far as it can still be read: variables may be gone. */
  async #contentOfApplied(applied: Publication | undefined, disk: string): Promise<CatalogContent> {
    if (applied === undefined) return NO_CONTENT;
    const restored = restoredText(applied.after, disk);
    try {
      return contentOf(await this.#options.load(restored.ok ? restored.text : applied.after));
    } catch (error) {
      this.#options.log.warn(
        { error, publication: applied.number },
        'What was applied last cannot be read any more',
      );
      return NO_CONTENT;
    }
  }

  async #loadedOrNothing(text: string): Promise<Spec> {
    try {
      return (await this.#options.load(text)).spec;
    } catch (error) {
      this.#options.log.debug({ error }, 'the file on disk is no configuration at present');
      return NO_CONTENT.spec;
    }
  }
}

interface Entered {
  readonly who: string;
  readonly why: string;
  readonly origin: PublicationOrigin;
  readonly at: number;
  readonly applied: Publication | undefined;
  readonly after: CatalogText;
  readonly changes: readonly CatalogChange[];
}

/** The record. Its texts are masked: what is kept has no secrets. (Invariant 10) */
function publicationOf(
  number: number,
  state: Publication['state'],
  { who, why, origin, at, applied, after, changes }: Entered,
): Publication {
  const text = maskedText(after.text);
  const [first] = changes;
  const more = changes.length > 1 ? ` And ${changes.length - 1} more.` : '';
  return {
    number,
    state,
    at,
    who,
    why,
    origin,
    base: applied?.revision ?? null,
    revision: after.revision,
    headline: first === undefined ? 'Only the text changes.' : `${first.sentence}${more}`,
    changeCount: changes.length,
    problem: null,
    before: applied?.after ?? null,
    after: text,
    changes,
    diff: applied === undefined ? [] : textDiff(applied.after, text),
  };
}

function invalid({ id, problems: [problem] }: PublicationPlan): Problem {
  const { line = null, column = null, remedy = null } = problem ?? {};
  return new Problem('BRM-CATALOG-BLOCKED', `It is not valid: ${problem?.message ?? 'see the plan.'}`, {
    at: { plan: id, ...(line === null ? {} : { line, column: column ?? 1 }) },
    ...(remedy === null ? {} : { remedy }),
  });
}

function forgotten(id: string): Problem {
  return new Problem('BRM-CATALOG-PLAN-UNKNOWN', `There is no plan ${id} any more.`, {
    remedy: 'Plans are kept for an hour, and until Brimful restarts: plan again.',
    at: { plan: id },
  });
}

function changedSince(base: string, disk: string, at: Record<string, string>): Problem {
  const lines = unifiedLines(textDiff(maskedText(base), maskedText(disk)));
  const shown = lines.slice(0, MESSAGE_LINES);
  const more = lines.length > shown.length ? [`… ${lines.length - shown.length} more lines`] : [];
  return new Problem(
    'BRM-CATALOG-CHANGED',
    `The file was edited since this was planned:\n${[...shown, ...more].join('\n')}`,
    { remedy: 'Plan again, and look at what that changes.', at },
  );
}
