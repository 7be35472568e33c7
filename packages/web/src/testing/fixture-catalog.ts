import { createHash } from 'node:crypto';
import type {
  Catalog,
  CatalogChange,
  CatalogProblem,
  Publication,
  PublicationPlan,
  RuntimeStatus,
  TextHunk,
  TextLine,
} from '@brimful/model';
import { CatalogText } from '../catalog/catalog-text.ts';
import { shownIn } from '../catalog/config-field.ts';
import type { PlainValue } from '../catalog/plain-value.ts';
import { isPlainList, isPlainMap, isSameValue, valueAt } from '../catalog/plain-value.ts';
import { CONNECTORS } from './fixture-connectors.ts';

export const SHOP_CATALOG = `# yaml-language-server: $schema=.brimful/schema.json
# The shop, and what the analysts get of it.

captures:
  # The primary, not the replica: the replica has no slots.
  shop/postgres:
    connector: postgres
    config:
      url: \${SHOP_DATABASE_URL}
      readers: 4  # agreed with operations
    autoDiscover:
      schemas: [public]

  billing/postgres:
    connector: postgres
    config: { host: billing.internal, user: brimful, password: \${BILLING_PASSWORD} }
    bindings:
      - { resource: public.invoices, target: billing/invoices }
      - { resource: public.ledger, target: billing/ledger }  # large
      - { resource: public.legacy_notes, target: billing/legacy_notes }

materializations:
  shop/warehouse:
    connector: duckdb
    config: { path: warehouse.duckdb }
    source: shop/postgres

  # For the monthly report.
  billing/reporting:
    connector: postgres
    config: { url: \${REPORTING_URL} }
    bindings:
      - { source: billing/invoices }
      - { source: billing/ledger }
`;

export const FIRST_CATALOG = `# Brimful: which sources to read and which destinations to keep current.
captures: {}
`;

const DAY_MILLISECONDS = 86_400_000;
/** How long a start takes here. */
const START_MILLISECONDS = 1200;

/** A catalog that is really changed: planned, applied after a moment, kept. */
export class FixtureCatalog {
  #text: string;
  readonly #plans = new Map<string, PublicationPlan>();
  readonly #publications: Publication[] = [];
  readonly #applied = new Map<string, Publication>();
  /** Until then the pipe is starting. */
  #startingUntil = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get isStarting(): boolean {
    return Date.now() < this.#startingUntil;
  }

  /** Edited by somebody else, in the file. */
  overwrite(text: string): void {
    this.#text = text;
  }

  get publications(): readonly Publication[] {
    return this.#publications.toReversed();
  }

  /** As the server tells it. */
  get shown(): Catalog {
    const revision = revisionOf(this.#text);
    const { captures, materializations } = namesIn(CatalogText.parse(this.#text));
    const task = (name: string): Catalog['captures'][number] => ({
      name,
      connector: 'postgres',
      bindings: 0,
      followsAll: true,
    });
    return {
      path: '/srv/shop/brimful.yaml',
      revision,
      text: masked(this.#text),
      appliedRevision: revision,
      changedOnDisk: false,
      publication: this.#publications.at(-1)?.number ?? null,
      captures: captures.map(task),
      materializations: materializations.map(task),
    };
  }

  plan(text: string, reason: string): PublicationPlan {
    const now = Date.now();
    const changes = changesOf(CatalogText.parse(this.#text), CatalogText.parse(text));
    const plan: PublicationPlan = {
      id: `draft-${this.#plans.size + 1}`,
      createdAt: now,
      expiresAt: now + DAY_MILLISECONDS,
      author: 'anna',
      reason,
      base: revisionOf(this.#text),
      revision: revisionOf(text),
      text,
      changedOnDisk: false,
      changes,
      diff: hunksOf(this.#text, text),
      problems: problemsOf(CatalogText.parse(text)),
      blocked: [],
      warnings: [],
      findings: [],
      rows: sumOf(changes.map(({ rows }) => rows)),
      bytes: sumOf(changes.map(({ bytes }) => bytes)),
    };
    this.#plans.set(plan.id, plan);
    return plan;
  }

  apply(id: string, at = Date.now()): Publication | undefined {
    const plan = this.#plans.get(id);
    if (plan === undefined) return undefined;
    // Browsers ask again by themselves when a connection breaks; the server knows the call by its key.
    const done = this.#applied.get(id);
    if (done !== undefined) return done;
    const publication: Publication = {
      number: this.#publications.length + 1,
      state: 'applied',
      at,
      who: plan.author,
      why: plan.reason,
      origin: 'browser',
      base: plan.base,
      revision: plan.revision,
      headline: plan.changes[0]?.sentence ?? 'Only comments changed.',
      changeCount: plan.changes.length,
      problem: null,
      before: this.#text,
      after: plan.text,
      changes: plan.changes,
      diff: plan.diff,
    };
    this.#publications.push(publication);
    this.#applied.set(id, publication);
    this.#text = plan.text;
    this.#startingUntil = at + START_MILLISECONDS;
    return publication;
  }

  planRevert(number: number, reason: string): PublicationPlan | undefined {
    const found = this.#publications.find((one) => one.number === number);
    return found === undefined || found.before === null ? undefined : this.plan(found.before, reason);
  }

  /** What of a status the catalog has, and what it has that the status does not know. */
  statusOf(status: RuntimeStatus): RuntimeStatus {
    const { captures, materializations } = namesIn(CatalogText.parse(this.#text));
    return {
      ...status,
      ...(this.isStarting ? { reloading: 'Taking up publication' } : {}),
      captures: captures.map(
        (name) =>
          status.captures.find((one) => one.name === name) ?? {
            name,
            connector: 'postgres',
            state: this.isStarting ? 'starting' : 'running',
            sentence: this.isStarting ? '' : 'Reading tables for the first time',
            changes: 0,
            changesPerSecond: 0,
            bindings: [],
          },
      ),
      materializations: materializations.map(
        (name) =>
          status.materializations.find((one) => one.name === name) ?? {
            name,
            connector: 'duckdb',
            state: 'running',
            sentence: 'Waiting for collections',
            rowsWritten: 0,
            rowsPerSecond: 0,
            bindings: [],
          },
      ),
    };
  }
}

/** Secrets that stand in the file are never told. */
function masked(text: string): string {
  return text.replaceAll(/(password: )(?!\$\{)[^\s,}]+/gu, '$1***');
}

function revisionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function sumOf(numbers: readonly CatalogChange['rows'][]): CatalogChange['rows'] {
  const known = numbers.filter((one) => one !== null);
  if (known.length === 0) return null;
  return { value: known.reduce((sum, { value }) => sum + value, 0), quality: 'statistics' };
}

interface Names {
  readonly captures: readonly string[];
  readonly materializations: readonly string[];
}

function namesIn(catalog: CatalogText): Names {
  const keys = (section: string): readonly string[] => {
    const found = catalog.at([section]);
    return isPlainMap(found) ? Object.keys(found) : [];
  };
  return { captures: keys('captures'), materializations: keys('materializations') };
}

function problemsOf(catalog: CatalogText): readonly CatalogProblem[] {
  if (!catalog.isReadable) {
    return catalog.errors.map((error) => ({ ...error, code: 'BRM-CONFIG-YAML', remedy: null }));
  }
  const { captures, materializations } = namesIn(catalog);
  const tasks = [
    ...captures.map((name) => ['captures', name]),
    ...materializations.map((name) => ['materializations', name]),
  ];
  const known = CONNECTORS.map(({ name }) => name);
  const unknown = tasks.flatMap((path): CatalogProblem[] => {
    const connector = catalog.at([...path, 'connector']);
    if (typeof connector === 'string' && known.includes(connector)) return [];
    const line = catalog.lineOf([...path, 'connector']) ?? null;
    return [
      {
        code: 'BRM-CONFIG-CONNECTOR',
        message: `There is no connector called ${JSON.stringify(connector)}.`,
        line,
        column: 16,
        remedy: `Did you mean ${known.join(' or ')}?`,
      },
    ];
  });
  const dangling = materializations.flatMap((name): CatalogProblem[] => {
    const source = catalog.at(['materializations', name, 'source']);
    if (typeof source !== 'string' || captures.includes(source)) return [];
    return [
      {
        code: 'BRM-CONFIG-REFERENCE',
        message: `There is no capture called ${source}.`,
        line: catalog.lineOf(['materializations', name, 'source']) ?? null,
        column: 5,
        remedy: `Remove ${name} as well, or give it another source.`,
      },
    ];
  });
  return [...unknown, ...dangling];
}

function changesOf(before: CatalogText, after: CatalogText): readonly CatalogChange[] {
  const [old, young] = [namesIn(before), namesIn(after)];
  return (['captures', 'materializations'] as const).flatMap((section) => {
    const kind = section === 'captures' ? 'capture' : 'materialization';
    const names = [...new Set([...old[section], ...young[section]])];
    return names.flatMap((name): CatalogChange[] => {
      const [was, is] = [before.at([section, name]), after.at([section, name])];
      if (isSameValue(was, is)) return [];
      const action = was === undefined ? 'add' : is === undefined ? 'remove' : 'change';
      return [changeOf(action, kind, name), ...bindingChanges(was, is, name)];
    });
  });
}

function changeOf(
  action: CatalogChange['action'],
  kind: 'capture' | 'materialization',
  name: string,
): CatalogChange {
  const words = {
    add: [
      `${name} is added.`,
      kind === 'capture'
        ? 'It connects, and reads its tables once.'
        : 'Its tables are loaded from what was captured.',
    ],
    remove: [`${name} is removed.`, 'It stops. What it brought so far stays where it is.'],
    change: [`The settings of ${name} change.`, 'It starts again where it was, in a moment.'],
  } as const;
  const isFirst = action === 'add' && kind === 'capture';
  return {
    action,
    kind,
    subject: name,
    task: name,
    sentence: words[action][0],
    consequence:
      action === 'remove' ? 'stops' : isFirst ? 'first read' : action === 'add' ? 'load' : 'restarts',
    effect: words[action][1],
    rows: isFirst ? { value: 10_368_000, quality: 'statistics' } : null,
    bytes: isFirst ? { value: 2.2e9, quality: 'statistics' } : null,
    command: null,
  };
}

function bindingChanges(
  was: PlainValue | undefined,
  is: PlainValue | undefined,
  task: string,
): readonly CatalogChange[] {
  const resources = (value: PlainValue | undefined): readonly string[] => {
    const bindings = valueAt(value ?? null, ['bindings']);
    return isPlainList(bindings) ? bindings.map((one) => shownIn(valueAt(one, ['resource']))) : [];
  };
  const [old, young] = [new Set(resources(was)), resources(is)];
  if (was === undefined) return [];
  return young
    .filter((resource) => !old.has(resource))
    .map((resource) => ({
      action: 'add',
      kind: 'binding',
      subject: resource,
      task,
      sentence: `${resource} is captured.`,
      consequence: 'first read',
      effect: 'Its first read begins beside what streams already.',
      rows: { value: 41_870, quality: 'statistics' },
      bytes: { value: 8.9e6, quality: 'statistics' },
      command: null,
    }));
}

const AROUND = 3;

/** Common beginning and end; what lies between is exchanged. */
function hunksOf(before: string, after: string): readonly TextHunk[] {
  if (before === after) return [];
  const [old, young] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < old.length && old[start] === young[start]) start += 1;
  let end = 0;
  while (end < Math.min(old.length, young.length) - start && old.at(-1 - end) === young.at(-1 - end))
    end += 1;
  const first = Math.max(0, start - AROUND);
  const lines: TextLine[] = [
    ...old.slice(first, start).map((text, index) => same(text, first + index + 1, first + index + 1)),
    ...old
      .slice(start, old.length - end)
      .map((text, index): TextLine => ({ kind: 'removed', before: start + index + 1, after: null, text })),
    ...young
      .slice(start, young.length - end)
      .map((text, index): TextLine => ({ kind: 'added', before: null, after: start + index + 1, text })),
    ...old
      .slice(old.length - end, old.length - end + AROUND)
      .map((text, index) => same(text, old.length - end + index + 1, young.length - end + index + 1)),
  ];
  return [{ lines }];
}

function same(text: string, before: number, after: number): TextLine {
  return { kind: 'same', before, after, text };
}
