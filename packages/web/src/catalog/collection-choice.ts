import { defaultTable } from '@brimful/model';
import type { CatalogText } from './catalog-text.ts';
import type { PlainValue } from './plain-value.ts';
import { isPlainList, isPlainMap } from './plain-value.ts';

export interface ChosenCollection {
  readonly collection: string;
  readonly table: string | undefined;
  readonly deletes: string | undefined;
}

/** Which collections a materialization in the catalog takes. */
export interface CollectionChoice {
  readonly collections: readonly ChosenCollection[];
  /** A capture all of whose collections are taken, new ones too; null: none. */
  readonly source: string | null;
  readonly deletes: string;
}

export function collectionChoiceOf(materialization: PlainValue | undefined): CollectionChoice {
  const written = isPlainMap(materialization) ? materialization : {};
  const bindings = isPlainList(written['bindings']) ? written['bindings'] : [];
  const text = (value: PlainValue | undefined): string | undefined =>
    typeof value === 'string' ? value : undefined;
  return {
    collections: bindings.flatMap((binding): ChosenCollection[] => {
      if (!isPlainMap(binding) || typeof binding['source'] !== 'string') return [];
      const { source, table, deletes } = binding;
      return [{ collection: source, table: text(table), deletes: text(deletes) }];
    }),
    source: text(written['source']) ?? null,
    deletes: text(written['deletes']) ?? 'hard',
  };
}

export function tableOf({ collections }: CollectionChoice, collection: string): string {
  return collections.find((one) => one.collection === collection)?.table ?? defaultTable(collection);
}

export function withCollection(
  catalog: CatalogText,
  materialization: string,
  collection: string,
  isTaken: boolean,
): CatalogText {
  const path = ['materializations', materialization, 'bindings'];
  const { collections } = collectionChoiceOf(catalog.at(path.slice(0, 2)));
  const index = collections.findIndex((one) => one.collection === collection);
  if (isTaken)
    return index === -1 ? catalog.with([...path, collections.length], { source: collection }) : catalog;
  if (index === -1) return catalog;
  return collections.length === 1 ? catalog.with(path, undefined) : catalog.with([...path, index], undefined);
}

/** Another name for a destination table; the collection becomes a binding if it was none. Empty: the usual name. */
export function withTableName(
  catalog: CatalogText,
  materialization: string,
  collection: string,
  table: string,
): CatalogText {
  const path = ['materializations', materialization];
  const { collections } = collectionChoiceOf(catalog.at(path));
  const index = collections.findIndex((one) => one.collection === collection);
  const named = table === '' || table === defaultTable(collection) ? undefined : table;
  if (index !== -1) return catalog.with([...path, 'bindings', index, 'table'], named);
  if (named === undefined) return catalog;
  return catalog.with([...path, 'bindings', collections.length], { source: collection, table: named });
}
