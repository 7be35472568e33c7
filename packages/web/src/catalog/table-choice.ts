import { collectionPrefix, isDiscovered } from '@brimful/model';
import type { CatalogText } from './catalog-text.ts';
import { shownIn } from './config-field.ts';
import type { PlainValue } from './plain-value.ts';
import { isPlainList, isPlainMap } from './plain-value.ts';

export interface ChosenTable {
  readonly resource: string;
  /** Undefined: called after the table. */
  readonly target: string | undefined;
}

/** Which tables a capture in the catalog takes. */
export interface TableChoice {
  /** Named one by one, in the file's order. */
  readonly tables: readonly ChosenTable[];
  /** Their resources: a thousand tables are asked about at once. */
  readonly named: ReadonlySet<string>;
  /** Taken by themselves, new ones too; null: none are. */
  readonly follows: {
    /** Null: every schema. */
    readonly schemas: readonly string[] | null;
    /** As written. */
    readonly exclude: readonly string[];
    readonly excluded: ReadonlySet<string>;
    /** Of `exclude`, those with a `*`. */
    readonly patterns: readonly string[];
  } | null;
}

/** How a table comes to be taken: named itself, with its schema, or not at all. */
export type Taking = 'named' | 'followed' | null;

export function choiceOf(capture: PlainValue | undefined): TableChoice {
  const written = isPlainMap(capture) ? capture : {};
  const bindings = isPlainList(written['bindings']) ? written['bindings'] : [];
  const tables = bindings.flatMap((binding): ChosenTable[] => {
    if (!isPlainMap(binding) || typeof binding['resource'] !== 'string') return [];
    const { resource, target } = binding;
    return [{ resource, target: typeof target === 'string' ? target : undefined }];
  });
  const named = new Set(tables.map(({ resource }) => resource));
  const follows = written['autoDiscover'] ?? tables.length === 0;
  if (follows === true) return { tables, named, follows: followsOf(null, []) };
  if (!isPlainMap(follows)) return { tables, named, follows: null };
  const { schemas, exclude } = follows;
  return {
    tables,
    named,
    follows: followsOf(isPlainList(schemas) ? textsOf(schemas) : null, textsOf(exclude)),
  };
}

function followsOf(schemas: readonly string[] | null, exclude: readonly string[]): TableChoice['follows'] {
  return {
    schemas,
    exclude,
    excluded: new Set(exclude),
    patterns: exclude.filter((name) => name.includes('*')),
  };
}

function textsOf(value: PlainValue | undefined): readonly string[] {
  return isPlainList(value) ? value.map(shownIn) : [];
}

export function takingOf({ named, follows }: TableChoice, resource: string): Taking {
  if (named.has(resource)) return 'named';
  return isFollowed(follows, resource) ? 'followed' : null;
}

function isFollowed(follows: TableChoice['follows'], resource: string): boolean {
  if (follows === null || follows.excluded.has(resource)) return false;
  const { schemas, patterns } = follows;
  return isDiscovered(resource, { schemas: schemas ?? undefined, exclude: patterns, prefix: '' });
}

export function schemaOf(resource: string): string {
  const dot = resource.indexOf('.');
  return dot === -1 ? resource : resource.slice(0, dot);
}

export function isSchemaFollowed({ follows }: TableChoice, schema: string): boolean {
  return follows !== null && (follows.schemas === null || follows.schemas.includes(schema));
}

/** The collection a table fills. `suggested`: as discovery calls it. */
export function collectionOf(
  capture: string,
  choice: TableChoice,
  resource: string,
  suggested: string,
): string {
  const named = choice.tables.find((table) => table.resource === resource)?.target;
  return named ?? `${collectionPrefix(capture)}/${suggested}`;
}

/** The other way round for one table: what was taken no longer is, and what was not is. */
export function withTable(
  catalog: CatalogText,
  capture: string,
  resource: string,
  isTaken: boolean,
): CatalogText {
  const path = ['captures', capture];
  const choice = choiceOf(catalog.at(path));
  const { tables, follows } = choice;
  if (isTaken) {
    if (takingOf(choice, resource) !== null) return catalog;
    const isExcluded = follows?.excluded.has(resource) ?? false;
    const without =
      follows &&
      followsOf(
        follows.schemas,
        follows.exclude.filter((name) => name !== resource),
      );
    if (isExcluded && isFollowed(without, resource)) {
      return catalog.with([...path, 'autoDiscover', 'exclude'], orAbsent(without?.exclude ?? []));
    }
    return catalog.with([...path, 'bindings', tables.length], { resource });
  }
  let next = catalog;
  const index = tables.findIndex((table) => table.resource === resource);
  if (index !== -1) {
    // No bindings and nothing said about new tables would mean: all of them.
    if (tables.length === 1 && follows === null) next = next.with([...path, 'autoDiscover'], false);
    next =
      tables.length === 1
        ? next.with([...path, 'bindings'], undefined)
        : next.with([...path, 'bindings', index], undefined);
  }
  if (isFollowed(follows, resource)) {
    if (!isPlainMap(next.at([...path, 'autoDiscover']))) next = next.with([...path, 'autoDiscover'], {});
    next = next.with([...path, 'autoDiscover', 'exclude'], [...(follows?.exclude ?? []), resource]);
  }
  return next;
}

/** `known`: the source's schemas, for when "all" becomes "all but one". */
export function withSchema(
  catalog: CatalogText,
  capture: string,
  schema: string,
  isWanted: boolean,
  known: readonly string[],
): CatalogText {
  const path = ['captures', capture, 'autoDiscover'];
  const { follows } = choiceOf(catalog.at(['captures', capture]));
  const before = follows === null ? [] : (follows.schemas ?? known);
  const schemas = isWanted ? [...new Set([...before, schema])] : before.filter((other) => other !== schema);
  const exclude = (follows?.exclude ?? []).filter((name) => !isWanted || schemaOf(name) !== schema);
  if (schemas.length === 0) return catalog.with(path, false);
  if (isPlainMap(catalog.at(path))) {
    return catalog.with([...path, 'schemas'], schemas).with([...path, 'exclude'], orAbsent(exclude));
  }
  return catalog.with(path, { schemas, ...(exclude.length === 0 ? {} : { exclude }) });
}

function orAbsent(texts: readonly string[]): readonly string[] | undefined {
  return texts.length === 0 ? undefined : texts;
}
